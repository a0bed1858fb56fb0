import { describe, expect, it, test } from "vitest";
import { type Exchange, google } from "../../../scripts/host/index.ts";
import { COMMON_CALLS, run as runOn, start, takeLog } from "./calls.ts";

const run = (calls: readonly string[], spec: Partial<Exchange> = {}, host = google()) =>
  runOn(host, calls, spec, { module: COMMON_CALLS, responseDelay: 5 });
const results = (calls: readonly string[], spec?: Partial<Exchange>) => {
  const names = calls.map((call) => call.split(" ")[1]);
  return run(calls, spec).log.filter((line) => names.some((name) => line.startsWith(`${name} `)));
};

test("a module with another import does not start, and the error names the import", () => {
  expect(() => start(google(), [])).toThrow(/proxy_(set_property|set_tick|define_metric|get_shared_data)/);
});

test("the callbacks are those of headers, bodies and the end, without the log", () => {
  const { log, alerts } = run([]);
  expect(log).toEqual([
    ...["request_headers 8 0", "request_body 8 0", "request_body 0 1"],
    ...["response_headers 2 0", "response_body 6 0", "response_body 0 1", "done", "delete"],
  ]);
  expect(alerts).toEqual([]);
  const plugin = start(google(), [], { module: COMMON_CALLS });
  expect(plugin.tick()).toBe(false);
  plugin.close();
  expect(takeLog(plugin)).toEqual(["done", "delete"]);
});

describe("headers", () => {
  const spec: Partial<Exchange> = {
    request: {
      headers: [
        ["mcp-session-id", "s"],
        ["accept", "a"],
        ["accept", "b"],
      ],
    },
  };

  it("are sorted, and repeated ones joined", () => {
    const { log } = run(["request_headers pairs 0"], spec);
    expect(log.slice(1, 7)).toEqual([
      ...[":authority: mcp.example", ":method: POST", ":path: /mcp", ":scheme: http"],
      ...["accept: a, b", "mcp-session-id: s"],
    ]);
  });

  it("are accessible in their own callback only", () => {
    expect(results(["request_headers header 0 Accept"], spec)).toEqual(["header 0: 0 a, b"]);
    expect(results(["request_body header 0 accept"])).toEqual(["header 0: 2", "header 0: 2"]);
    expect(results(["response_headers pairs 0"])).toEqual(["pairs 0: 2"]);
    expect(results(["response_headers add 0 a b"])).toEqual(["add 0: 2"]);
    const { stream } = run(["request_headers replace 0 accept c", "request_headers remove 0 MCP-Session-Id"], spec);
    expect(stream!.requestHead.map(([name]) => name)).not.toContain("mcp-session-id");
    expect(stream!.requestHead).toContainEqual(["accept", "c"]);
  });
});

test("bodies are accessible in their own callback, and writable at any offset", () => {
  expect(results(["request_body buffer 0 0 8", "response_headers buffer 0 0 8"], { request: { body: "ask" } })).toEqual(
    [...["buffer 0: 0 ask", "buffer 0: 0", "buffer 0: 1"]],
  );
  const { stream } = run(["response_body write 1 2 2 XX"], { response: { body: "answer" } });
  expect(stream!.received.toString()).toBe("anXXerXX");
});

test("local replies do not pass through the module, and come before the response's body", () => {
  const { log, stream } = run(["request_headers reply 403 why no"], { request: {} });
  expect(log).toEqual(["request_headers 8 0", "reply 403: 0", "done", "delete"]);
  expect(stream!.reply).toMatchObject({ status: 403, body: "no" });
  expect(results(["response_body reply 403 why no"])).toEqual(["reply 403: 2", "reply 403: 2"]);
});

test("there is one property, and what a test allows", () => {
  expect(results(["request_headers property plugin_root_id"])).toEqual(["property plugin_root_id: 0"]);
  expect(results(["request_headers property source.address"])).toEqual(["property source.address: 1"]);
  const { log } = run(["request_headers property source.address"], {}, google({ properties: ["source.address"] }));
  expect(log).toContain("property source.address: 0 192.0.2.1:51234");
});

test("the time of a stream is frozen, and nothing ends a pause", () => {
  const times = results(["request_headers time", "response_headers time"]);
  expect(times[0]).toMatch(/^time \d+$/);
  expect(times[1]).toBe(times[0]);
  expect(run(["request_headers pause"], { request: {} }).alerts).toEqual([
    '[pause] proxy_on_request_headers returned "PAUSE": no function resumes the stream',
  ]);
  const { alerts, stream } = run(["response_body pause"], { response: { body: ["ans", "wer"] } });
  expect(alerts[0]).toBe('[pause] proxy_on_response_body returned "PAUSE": the bytes go on all the same');
  expect(stream!.receivedPieces.map(String)).toEqual(["ans", "wer", ""]);
});
