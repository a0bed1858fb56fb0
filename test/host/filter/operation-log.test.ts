/** Tests the log line for an operation that ends after the access log of its stream was written. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { MCP_HEADERS, passSeconds, post, request, result, startWorkers, toolCall } from "./filter.ts";
import { openSession, send } from "./http-sse.ts";
import { inSession, numbered, openGet, openPost, priming } from "./open-stream.ts";

const INFO = "info";
const start = (log = "info", idleTimeout = "60s") =>
  startWorkers(2, { configuration: { log, sessions: { idleTimeout }, labels: { tools: ["echo"] } } });

/** The lines of all workers, each of which must be JSON. */
function lines(workers: readonly Plugin[]): Record<string, unknown>[] {
  return workers
    .flatMap(({ vm }) => vm.logs)
    .filter(({ level, message }) => level === INFO && message.startsWith("{"))
    .map(({ message }) => JSON.parse(message) as Record<string, unknown>);
}

describe("an operation that ends on another stream", () => {
  test("of HTTP+SSE: with the fields of the access log", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[1]);
    workers[0].vm.clock.advance(10);
    send(workers[0], toolCall("echo", 5));
    workers[0].vm.clock.advance(250);
    stream.send(result({ content: [{ type: "text", text: "s3cret words" }] }, 5));
    const [, line] = lines(workers);
    expect(line).toEqual({
      event: "mcp_operation_ended",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      session: expect.stringMatching(/^[0-9a-f]{16}$/),
      method: "tools/call",
      target: "echo",
      direction: "client_to_server",
      outcome: "ok",
      duration_ms: 250,
      tokens: expect.any(Number),
    });
    expect(JSON.stringify(workers.map(({ vm }) => vm.logs))).not.toMatch(/s3cret|93d1a2|hello/);
  });

  test("that is resumed, on any worker", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("1-0")).close();
    expect(lines(workers)).toEqual([]);
    openGet(workers[1], "s", "1-0").write(numbered("1-1", result({ isError: true }, 1)));
    expect(lines(workers)).toMatchObject([{ method: "tools/call", target: "echo", outcome: "tool_error" }]);
  });

  test("of a server's request, which the client answers", () => {
    const workers = start();
    const asked = openPost(workers[0], "s", toolCall("echo", 1)).send(request("sampling/createMessage", {}, "q1"));
    post(workers[1], result({ role: "assistant", content: {} }, "q1"), { status: 202 }, { headers: inSession("s") });
    expect(lines(workers)).toMatchObject([
      { method: "sampling/createMessage", direction: "server_to_client", outcome: "ok" },
    ]);
    asked.send(result({}, 1)).close();
    expect(lines(workers)).toHaveLength(1);
  });
});

test("the target of a line is the name of a tool or prompt, never the URI of a resource", () => {
  const workers = start();
  const read = (id: number) => request("resources/read", { uri: "file:///home/alice/s3cret" }, id);
  const stream = openSession(workers[0], workers[0]);
  send(workers[0], read(1), { response: { status: 503 } });
  send(workers[0], read(2));
  stream.send(result({}, 2));
  const resumed = openPost(workers[0], "s", read(3)).write(priming("1-0"));
  openGet(workers[0], "s", "1-0").write(numbered("1-1", result({}, 3)));
  resumed.close();
  const reads = lines(workers).filter(({ method }) => method === "resources/read");
  expect(reads).toMatchObject([{ outcome: "upstream_error" }, { outcome: "ok" }, { outcome: "ok" }]);
  expect(reads.filter((line) => "target" in line)).toEqual([]);
});

describe("an operation that nobody answers", () => {
  test("is reported by the sweep, once", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("1-0")).close();
    passSeconds(workers, 80);
    expect(lines(workers)).toMatchObject([{ method: "tools/call", target: "echo", outcome: "unanswered" }]);
  });

  test("is reported with its session", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("1-0")).close();
    post(workers[1], request("ping", {}, 2), { status: 404 }, { headers: inSession("s") });
    expect(lines(workers)).toMatchObject([{ outcome: "unanswered" }]);
  });

  test("is reported when it is evicted", () => {
    const workers = start("info", "3600s");
    for (let id = 0; id < 129; id++) openPost(workers[0], "s", toolCall("echo", id)).write(priming("a")).close();
    expect(lines(workers)).toMatchObject([{ outcome: "unanswered" }]);
    expect(workers[0].vm.metrics.counter("mcp_store_evictions_total")).toBe(1);
  });
});

test("an operation that ends on its own stream has no line: the access log shows it", () => {
  const workers = start();
  post(workers[0], toolCall("echo"), result(), { headers: { ...MCP_HEADERS, "mcp-session-id": "s" } });
  expect(lines(workers)).toEqual([]);
});

test("there are no lines unless the log level is info", () => {
  const workers = start("warn");
  openPost(workers[0], "s", toolCall("echo", 1)).write(priming("1-0")).close();
  passSeconds(workers, 80);
  expect(workers.flatMap(({ vm }) => vm.logs).filter(({ message }) => message.startsWith("{"))).toEqual([]);
});
