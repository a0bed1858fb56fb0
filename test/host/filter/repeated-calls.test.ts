/** Tests calls with the same tool and arguments as an earlier call of their session. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { JSON_ANSWER, countsBy, error, passSeconds, post, request, result, startWorkers } from "./filter.ts";
import { openSession, send } from "./http-sse.ts";
import { inSession } from "./open-stream.ts";

const configuration = { labels: { tools: ["echo", "add"] } };
const repeated = (plugin: Plugin) => countsBy(plugin, "mcp_repeated_calls_total", "gen_ai_tool_name");

/** A call in a session, with these parameters besides the tool's name. */
function call(
  worker: Plugin,
  session: string,
  name: string,
  params: object | string = { arguments: {} },
  answer = result(),
) {
  const body =
    typeof params === "string"
      ? `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":${params}}}`
      : request("tools/call", { name, ...params });
  post(worker, body, answer, { headers: inSession(session) });
}

describe.each([1, 4])("with %i workers", (count) => {
  const start = () => startWorkers(count, { configuration });
  const on = (workers: Plugin[], i: number) => workers[i % count];

  test("each repetition counts at the next tick, on any workers", () => {
    const workers = start();
    for (let i = 0; i < 9; i++) call(on(workers, i), "s", "echo", { arguments: { text: "a" } });
    expect(repeated(workers[0])).toEqual({});
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 8 });
    for (let i = 0; i < 4; i++) call(on(workers, i), "s", "echo", { arguments: { text: "a" } });
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 12 });
  });

  test("another tool, other arguments or another session are not a repetition", () => {
    const workers = start();
    const calls = [
      ["s", "echo", { arguments: { text: "a" } }],
      ["s", "echo", { arguments: { text: "b" } }],
      ["s", "echo", { arguments: { texts: "a" } }],
      ["s", "echo", {}],
      ["s", "add", { arguments: { text: "a" } }],
      ["other", "echo", { arguments: { text: "a" } }],
    ] as const;
    calls.forEach(([session, tool, params], i) => call(on(workers, i), session, tool, params));
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({});
    calls.forEach(([session, tool, params], i) => call(on(workers, i + 1), session, tool, params));
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 5, add: 1 });
  });

  test("arguments are compared as written, with anything around them", () => {
    const workers = start();
    const args = '{"a":[1,2,{"b":"x"}]}';
    call(workers[0], "s", "echo", args);
    post(
      on(workers, 1),
      `{"params":{"arguments":${args},"_meta":{"progressToken":7},"name":"echo"},"method":"tools/call","id":"z","jsonrpc":"2.0"}`,
      result({}, "z"),
      {
        headers: inSession("s"),
      },
    );
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1 });
    for (const other of [
      '{"a":[1,2,{"b":"y"}]}',
      '{"a":[1,2.0,{"b":"x"}]}',
      '{"a":[12,{"b":"x"}]}',
      '{"a":[1,2,{"b":"x"}],"c":null}',
    ]) {
      call(on(workers, 2), "s", "echo", other);
    }
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1 });
  });

  test("a call that continues one that asked for input is not a repetition", () => {
    const workers = start();
    const text = { text: "a" };
    call(workers[0], "s", "echo", { arguments: text }, result({ resultType: "input_required" }));
    call(on(workers, 1), "s", "echo", { arguments: text, inputResponses: { a: { action: "accept" } } });
    call(on(workers, 2), "s", "echo", { arguments: text, requestState: "x" });
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({});
  });

  test("failed calls are repeated, too", () => {
    const workers = start();
    call(workers[0], "s", "echo", { arguments: {} }, error(-32603));
    call(on(workers, 1), "s", "echo", { arguments: {} }, result({ isError: true }));
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1 });
  });

  test.each([
    ["a 401", { status: 401 }, 2],
    ["a 401 with a message", { status: 401, headers: JSON_ANSWER, body: error(-32001, null) }, 2],
    ["a 403", { status: 403 }, 2],
    ["a 429 with a message", { status: 429, headers: JSON_ANSWER, body: error(-32000) }, 2],
    ["a redirection", { status: 307, headers: { location: "/mcp/" } }, 2],
    ["a 404", { status: 404 }, 2],
    ["a 502", { status: 502 }, 2],
    ["a 503", { status: 503 }, 2],
    // The calls that were executed.
    ["a 400 with a message", { status: 400, headers: JSON_ANSWER, body: error(-32602) }, 3],
    ["a 500", { status: 500 }, 3],
    ["a 504", { status: 504 }, 3],
  ] as const)("an attempt that ends with %s, and then the same call three times", (_, response, repeats) => {
    const workers = start();
    const body = request("tools/call", { name: "echo", arguments: {} });
    post(workers[0], body, response, { headers: inSession("s") });
    for (let i = 1; i <= 3; i++) call(on(workers, i), "s", "echo");
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: repeats });
  });

  test("attempts that were not executed do not count, also over HTTP+SSE", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    const ask = (id: number, status: number) =>
      send(on(workers, id), request("tools/call", { name: "echo", arguments: {} }, id), {
        response: { status, headers: {} },
      });
    for (let id = 1; id <= 3; id++) ask(id, 401);
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({});
    for (let id = 4; id <= 5; id++) {
      ask(id, 202);
      stream.send(result({}, id));
    }
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1 });
  });

  test("without a session, the caller's window counts as one", () => {
    const workers = start();
    const body = request("tools/call", { name: "echo", arguments: { text: "a" } });
    const from = (address: string) => ({ properties: { "source.address": address } });
    post(workers[0], body, result(), from("192.0.2.1:1"));
    post(on(workers, 1), body, result(), from("192.0.2.2:1"));
    post(on(workers, 2), body, result(), from("192.0.2.1:2"));
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1 });
  });

  test("without a session, a call on another path is different, since named servers may share an upstream", () => {
    const workers = start();
    const body = request("tools/call", { name: "echo", arguments: {} });
    for (const name of ["wiki", "tracker", "wiki"]) post(workers[0], body, result(), { path: `/servers/${name}/mcp/` });
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1 });
  });

  test("over HTTP+SSE, the stream's session counts", () => {
    const workers = start();
    const [one, two] = ["/messages?s=1", "/messages?s=2"];
    const streams = [one, two].map((path, i) => openSession(on(workers, i), on(workers, i + 1), path));
    const ask = (path: string, id: number) =>
      send(on(workers, id), request("tools/call", { name: "echo", arguments: { text: "a" } }, id), { path });
    ask(one, 1);
    ask(two, 1);
    ask(one, 2);
    for (const stream of streams) stream.send(result({}, 1), result({}, 2));
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1 });
  });

  test("many at once are all counted", () => {
    const workers = start();
    // More than a worker stores between two ticks.
    for (let i = 0; i < 3000; i++) call(on(workers, i), "s", "echo", { arguments: { i: i % 1500 } });
    passSeconds(workers, 1);
    expect(repeated(workers[0])).toEqual({ echo: 1500 });
  });
});
