/** Tests responses whose id has another type than that of the request, which most clients accept: `"7"` for `7`. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { SSE_ANSWER, batch, countsBy, event, passSeconds, post, request, result, startWorkers } from "./filter.ts";
import { openSession, send } from "./http-sse.ts";
import { inSession, numbered, openGet, openPost } from "./open-stream.ts";

const configuration = { labels: { tools: ["a", "b", "c"] }, sessions: { idleTimeout: "60s" } };
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
/** A message with an id as JSON text. */
const call = (name: string, id: string) =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}"}}`;
const answer = (id: string) => `{"jsonrpc":"2.0","id":${id},"result":{}}`;

const ALIKE = [
  ["7", '"7"'],
  ['"7"', "7"],
  ["7", '"7.0"'],
  ["7.0", '"7"'],
  ['"7"', "7.0"],
  ["-3", '"-3"'],
  ["0", '"0"'],
];

describe.each([1, 4])("with %i workers", (count) => {
  const start = () => startWorkers(count, { configuration });
  const on = (workers: Plugin[], i: number) => workers[i % count];

  test.each(ALIKE)("a request %s is answered by %s on its own stream", (asked, answered) => {
    const [plugin] = start();
    post(plugin, call("a", asked), answer(answered));
    post(plugin, call("b", asked), { headers: SSE_ANSWER, body: event(answer(answered)) }, { headers: inSession("s") });
    expect(outcomes(plugin)).toEqual({ "a ok": 1, "b ok": 1 });
  });

  test.each(ALIKE)("a request %s is answered by %s on the stream of HTTP+SSE", (asked, answered) => {
    const workers = start();
    const stream = openSession(on(workers, 1), on(workers, 2));
    send(workers[0], call("a", asked));
    stream.send(answer(answered));
    expect(outcomes(workers[0])).toEqual({ " ok": 1, "a ok": 1 });
  });

  test.each(ALIKE)("a request %s is answered by %s on a stream that resumes its own", (asked, answered) => {
    const workers = start();
    const posts = ["a", "b"].map((name, i) =>
      openPost(workers[0], `s${i}`, call(name, asked)).write(numbered("1", "{}")),
    );
    posts[0].close("client");
    openGet(on(workers, 1), "s0", "1").send(answer(answered));
    expect(outcomes(workers[0])).toEqual({ "a ok": 1 });
    // The client resumes before the end of its lost stream is observed.
    if (answered !== '"7.0"') openGet(on(workers, 1), "s1", "1").send(answer(answered));
    posts[1].close("client");
    if (answered !== '"7.0"') expect(outcomes(workers[0])).toEqual({ "a ok": 1, "b ok": 1 });
  });

  test.each(ALIKE)("a server's request %s is answered by the client's %s, once", (asked, answered) => {
    const workers = start();
    openGet(workers[0], "s").send(`{"jsonrpc":"2.0","id":${asked},"method":"roots/list"}`);
    for (let i = 0; i < 2; i++) post(on(workers, 1), answer(answered), { status: 202 }, { headers: inSession("s") });
    expect(countsBy(workers[0], "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({
      "roots/list ok": 1,
    });
  });

  test("the request with the exact id has priority, on any stream", () => {
    const workers = start();
    const both = batch(call("a", "7"), call("b", '"7"'));
    post(workers[0], both, answer('"7"'));
    expect(outcomes(workers[0])).toEqual({ "a unanswered": 1, "b ok": 1 });
    post(workers[0], both, batch(answer('"7"'), answer("7")));
    expect(outcomes(workers[0])).toEqual({ "a unanswered": 1, "a ok": 1, "b ok": 2 });

    const waiting = openPost(workers[0], "s", call("a", "7")).write(numbered("1", "{}"));
    waiting.close("client");
    const open = openPost(on(workers, 1), "s", call("c", '"7"'));
    open.send(answer("7"));
    expect(outcomes(workers[0])).toMatchObject({ "a ok": 2 });
    open.send(answer("7")).close();
    expect(outcomes(workers[0])).toMatchObject({ "a ok": 2, "c ok": 1 });
  });

  test("texts that only resemble a number are different ids", () => {
    const workers = start();
    for (const [asked, answered] of [
      ["7", '"07"'],
      ["7", '"7 "'],
      ["7", "8"],
      ['"7.0"', "7"],
      ['"7"', '"7.0"'],
      ['"x"', '"X"'],
      ["null", '"null"'],
      ["0", '""'],
    ]) {
      post(workers[0], call("a", asked), answer(answered));
    }
    expect(outcomes(workers[0])).toEqual({ "a unanswered": 8 });
  });

  test("a cancellation applies to the exact id only", () => {
    const workers = start();
    const open = openPost(workers[0], "s", request("tools/call", { name: "a" }, 7));
    const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"7"}}';
    post(on(workers, 1), cancel, { status: 202 }, { headers: inSession("s") });
    open.close("client");
    passSeconds(workers, 3);
    expect(outcomes(workers[0])).toEqual({ "a disconnected": 1 });
    openPost(workers[0], "s", request("tools/call", { name: "b" }, 7))
      .send(result({}, 7))
      .close();
    expect(outcomes(workers[0])).toEqual({ "a disconnected": 1, "b ok": 1 });
  });
});
