import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  error,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { has } from "./matrix.ts";

const MODERN = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
const inSession = (id: string) => ({ ...MCP_HEADERS, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" });

/** A client opens a session, to which the server assigns this id. */
function initialize(worker: Plugin, id: string | undefined, name = "agent"): void {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } };
  const headers = { ...JSON_ANSWER, ...(id !== undefined && { "mcp-session-id": id }) };
  const body = result({ protocolVersion: "2025-11-25", serverInfo: { name: "s" } });
  post(worker, request("initialize", params), { headers, body });
}

function call(worker: Plugin, id: string, status = 200): void {
  const response = status === 200 ? undefined : { status, body: "" };
  post(worker, toolCall("echo"), response, { headers: inSession(id) });
}

function remove(worker: Plugin, id: string, status = 200): void {
  exchange(worker, { request: { method: "DELETE", headers: { "mcp-session-id": id } }, response: { status } });
}

function modernCall(worker: Plugin, name: string, address: string): void {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name, version: "1" },
  };
  post(worker, request("tools/call", { name: "echo", _meta: meta }), result(), {
    headers: MODERN,
    properties: { "source.address": address },
  });
}

const started = (worker: Plugin) =>
  countsBy(worker, "mcp_sessions_started_total", "mcp_session_kind", "mcp_client_name");
const adopted = (worker: Plugin) => countsBy(worker, "mcp_sessions_adopted_total", "mcp_session_kind");
const ended = (worker: Plugin) => countsBy(worker, "mcp_sessions_ended_total", "mcp_session_kind", "mcp_session_end");
const active = (worker: Plugin) => countsBy(worker, "mcp_sessions_active", "mcp_session_kind", "mcp_protocol_version");

describe.each([1, 4])("on %i workers", (count) => {
  test("a session starts once, is active, and ends with its DELETE; its totals follow", () => {
    const workers = startWorkers(count);
    const on = (i: number) => workers[i % count];
    initialize(on(0), "s1");
    for (let i = 0; i < 9; i++) call(on(i), "s1");
    passSeconds(workers, 7);
    expect(started(on(0))).toEqual({ "streamable agent": 1 });
    expect(active(on(0))).toEqual({ "streamable 2025-11-25": 1 });
    call(on(1), "s1");
    remove(on(2), "s1");
    call(on(3), "s1", 404);
    expect(ended(on(0))).toEqual({ "streamable deleted": 1 });
    passSeconds(workers, 13);
    expect(active(on(0))).toEqual({ "streamable 2025-11-25": 0 });
    expect(adopted(on(0))).toEqual({});
    // initialize, 10 calls and the rejected one.
    expect(on(0).vm.metrics.histogram("mcp_session_operations").values).toEqual([12]);
    expect(on(0).vm.metrics.histogram("mcp_session_duration_milliseconds").values).toEqual([7000]);
  });

  test("an unknown id is adopted when the server accepts it, once", () => {
    const workers = startWorkers(count);
    for (const worker of workers) call(worker, "old");
    expect(adopted(workers[0])).toEqual({ streamable: 1 });
    expect(started(workers[0])).toEqual({});
  });

  test("an id that the server rejects is not a session", () => {
    const workers = startWorkers(count);
    for (const status of [400, 401, 404, 500]) workers.forEach((worker) => call(worker, "guess", status));
    passSeconds(workers, 6);
    expect(adopted(workers[0])).toEqual({});
    expect(active(workers[0])).toEqual({});
  });

  test("404 ends a session as refused, 400 does not", () => {
    const workers = startWorkers(count);
    initialize(workers[0], "s");
    call(workers[count - 1], "s", 400);
    expect(ended(workers[0])).toEqual({});
    call(workers[count - 1], "s", 404);
    call(workers[0], "s", 404);
    expect(ended(workers[0])).toEqual({ "streamable refused": 1 });
  });

  test("an idle session ends as idle", () => {
    const workers = startWorkers(count, { configuration: { sessions: { idleTimeout: "30s" } } });
    initialize(workers[0], "s");
    passSeconds(workers, 20);
    call(workers[count - 1], "s");
    passSeconds(workers, 25);
    expect(ended(workers[0])).toEqual({});
    passSeconds(workers, 15);
    expect(ended(workers[0])).toEqual({ "streamable idle": 1 });
    expect(workers[0].vm.metrics.histogram("mcp_session_duration_milliseconds").values).toEqual([20000]);
    expect(workers[0].vm.metrics.histogram("mcp_session_operations").values).toEqual([2]);
  });

  test("without sessions, the activity of one caller and client counts as one", () => {
    const workers = startWorkers(count);
    for (const worker of workers) {
      modernCall(worker, "agent", "192.0.2.1:1");
      modernCall(worker, "agent", "192.0.2.1:2");
      modernCall(worker, "other", "192.0.2.1:1");
      modernCall(worker, "agent", "192.0.2.2:1");
    }
    passSeconds(workers, 6);
    expect(started(workers[0])).toEqual({ "window agent": 2, "window other": 1 });
    expect(active(workers[0])).toEqual({ "window 2026-07-28": 3 });
  });

  test("the gauge distinguishes sessions by the client's software, and returns to zero", () => {
    const workers = startWorkers(count, { configuration: { sessions: { idleTimeout: "60s" } } });
    const byClient = () => countsBy(workers[0], "mcp_sessions_active", "mcp_session_kind", "mcp_client_name");
    initialize(workers[0], "s1");
    initialize(workers[count - 1], "s2", "other");
    initialize(workers[0], "s3", "other");
    modernCall(workers[0], "agent", "192.0.2.1:1");
    // Started elsewhere, with unknown client software.
    call(workers[0], "old");
    passSeconds(workers, 6);
    const all = { "streamable agent": 1, "streamable other": 2, "streamable ": 1, "window agent": 1 };
    expect(byClient()).toEqual(all);
    remove(workers[count - 1], "s2");
    passSeconds(workers, 6);
    expect(byClient()).toEqual({ ...all, "streamable other": 1 });
    passSeconds(workers, 80);
    expect(byClient()).toEqual({ "streamable agent": 0, "streamable other": 0, "streamable ": 0, "window agent": 0 });
  });

  test("the gauge has 32 names of clients, and counts all others as one", () => {
    const workers = startWorkers(count);
    for (let i = 0; i < 40; i++) initialize(workers[i % count], `s${i}`, `client-${i}`);
    passSeconds(workers, 6);
    const byClient = countsBy(workers[0], "mcp_sessions_active", "mcp_client_name");
    expect(Object.keys(byClient)).toHaveLength(33);
    expect(byClient).toMatchObject({ "client-0": 1, "client-31": 1, _OTHER: 8 });
  });

  test("one caller has windows for 15 names of its software on a server, and one for all others", () => {
    const workers = startWorkers(count);
    modernCall(workers[0], "agent", "192.0.2.1:1");
    for (let i = 0; i < 200; i++) modernCall(workers[i % count], `invented-${i}`, "192.0.2.2:1");
    for (let i = 0; i < 200; i++) modernCall(workers[i % count], `invented-${i}`, "192.0.2.2:1");
    passSeconds(workers, 6);
    expect(active(workers[0])).toEqual({ "window 2026-07-28": 17 });
    expect(started(workers[0])).toMatchObject({ "window agent": 1, "window invented-0": 1, "window ": 1 });
    const sum = Object.values(started(workers[0])).reduce((a, b) => a + b);
    expect(sum).toBe(17);
    expect(ended(workers[0])).toEqual({});
    // The names without a window have taken no label value.
    expect(countsBy(workers[0], "mcp_label_overflow_total", "mcp_label")).toEqual({});
  });

  test("a caller that opens too many sessions evicts only its own", () => {
    const workers = startWorkers(count, { configuration: { sessions: { max: 50 } } });
    const from = (i: number) => ({ properties: { "source.address": `192.0.2.${i}:1` } });
    const open = (i: number, id: string, name: string) => {
      const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } };
      const headers = { ...JSON_ANSWER, "mcp-session-id": id };
      const body = result({ protocolVersion: "2025-11-25", serverInfo: { name: "s" } });
      post(workers[i % count], request("initialize", params), { headers, body }, from(i));
    };
    for (let i = 1; i <= 10; i++) open(i, `quiet-${i}`, "quiet");
    for (let i = 1; i <= 10; i++) modernCall(workers[0], "quiet", `192.0.2.${i}:1`);
    passSeconds(workers, 2);
    for (let i = 0; i < 1000; i++) {
      open(99, `flood-${i}`, "flood");
      if (i % 200 === 0) passSeconds(workers, 1);
    }
    passSeconds(workers, 12);
    const byClient = countsBy(workers[0], "mcp_sessions_active", "mcp_client_name");
    expect(byClient).toEqual({ quiet: 20, flood: 30 });
    expect(countsBy(workers[0], "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ evicted: 970 });
  });

  test("a legacy server without sessions has windows too", () => {
    const workers = startWorkers(count);
    initialize(workers[0], undefined);
    for (const worker of workers) post(worker, toolCall("echo"), result());
    expect(started(workers[0])).toEqual({ "window agent": 1 });
  });

  test("gauges of open streams and operations are the sums of live workers, and recover when one dies", () => {
    const workers = startWorkers(count);
    for (const worker of workers) {
      const unanswered = { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } as const;
      exchange(worker, { request: { headers: inSession("s"), body: toolCall("echo") }, response: unanswered });
      const get = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s" } };
      exchange(worker, { request: get, response: unanswered });
    }
    passSeconds(workers, 6);
    const streams = () => countsBy(workers[0], "mcp_streams_active", "mcp_stream_kind");
    expect(streams()).toEqual({ post: count, get: count });
    expect(countsBy(workers[0], "mcp_operations_in_flight", "mcp_server")).toEqual({ tools: count });
    if (count === 1) return;
    // One worker traps, and no longer reports anything.
    passSeconds(workers.slice(1), 14);
    expect(streams()).toEqual({ post: count - 1, get: count - 1 });
  });
});

test("configured headers distinguish callers", () => {
  const [worker] = startWorkers(1, { configuration: { sessions: { callerKey: ["X-Agent"] } } });
  for (const agent of ["a", "b", "a"]) {
    post(worker, toolCall("echo"), result(), { headers: { ...MCP_HEADERS, "x-agent": agent } });
  }
  expect(worker.vm.metrics.counter("mcp_sessions_started_total")).toBe(2);
});

test("and so do configured members of the baggage", () => {
  const [worker] = startWorkers(1, { configuration: { sessions: { callerKey: ["Baggage.userId"] } } });
  const windows = (baggage: string) => {
    post(worker, toolCall("echo"), result(), { headers: { ...MCP_HEADERS, baggage } });
    return worker.vm.metrics.counter("mcp_sessions_started_total");
  };
  expect(windows("userId=alice,serverNode=1")).toBe(1);
  expect(windows("serverNode=2 , userId = alice ;prop=3")).toBe(1);
  expect(windows("userId=bob")).toBe(2);
  expect(windows("userid=carol")).toBe(3);
  expect(windows("other=1")).toBe(3);
  expect(windows(",=;,userId")).toBe(3);
});

test("a probe for the server's revision opens no window", () => {
  const [worker] = startWorkers(1);
  post(worker, request("server/discover"), error(-32601), { headers: MODERN });
  post(worker, request("server/discover"), result(), { headers: MODERN });
  expect(started(worker)).toEqual({});
});

test("re-initialization starts another session", () => {
  const workers = startWorkers(2);
  initialize(workers[0], "s1");
  call(workers[1], "s1", 404);
  initialize(workers[1], "s2");
  call(workers[0], "s2");
  expect(started(workers[0])).toEqual({ "streamable agent": 2 });
  expect(ended(workers[0])).toEqual({ "streamable refused": 1 });
});

test("a cancellation on another worker counts", () => {
  const workers = startWorkers(2);
  const headers = inSession("s");
  const cancel = JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } });
  post(workers[0], cancel, { status: 202 }, { headers });
  post(workers[1], toolCall("slow", 7), { headers: SSE_ANSWER, body: ":\n\n", ended: "client" }, { headers });
  expect(countsBy(workers[0], "mcp_operations_total", "mcp_outcome")).toEqual({ cancelled: 1 });
});

test("all workers know a name that one has learned", () => {
  const workers = startWorkers(3);
  post(workers[0], request("tools/list"), result({ tools: [{ name: "listed" }] }));
  post(workers[1], toolCall("called"));
  for (const name of ["listed", "called"]) post(workers[2], toolCall(name), error(-32603));
  expect(workers[0].vm.metrics.labelValues("gen_ai_tool_name")).toEqual(["called", "listed"]);
});

test("an ordinary call in a known session only checks whether HTTP+SSE has been used", () => {
  const [worker] = startWorkers(1);
  initialize(worker, "s");
  call(worker, "s");
  worker.vm.calls.reset();
  call(worker, "s");
  expect(worker.vm.calls.count("proxy_get_shared_data")).toBe(1);
  expect(worker.vm.calls.count("proxy_set_shared_data")).toBe(0);
});

test("the maximum number of sessions is observed within 5 %, and the least recently active are evicted", () => {
  const workers = startWorkers(2, { configuration: { sessions: { max: 2000 } } });
  for (let i = 0; i < 3000; i++) {
    initialize(workers[i % 2], `s${i}`);
    if (i % 200 === 0) passSeconds(workers, 1);
  }
  passSeconds(workers, 12);
  const left = active(workers[0])["streamable 2025-11-25"];
  expect(left).toBeGreaterThanOrEqual(1900);
  expect(left).toBeLessThanOrEqual(2100);
  expect(workers[0].vm.metrics.counter("mcp_store_evictions_total")).toBe(3000 - left);
  expect(ended(workers[0])).toEqual({ "streamable evicted": 3000 - left });
});

test("below the maximum, no session is evicted: hashes are distributed over all buckets", () => {
  const [worker] = startWorkers(1, { configuration: { sessions: { max: 20_000 } } });
  for (let i = 0; i < 18_000; i++) initialize(worker, `s${i}`);
  passSeconds([worker], 6);
  expect(ended(worker)).toEqual({});
  expect(active(worker)).toEqual({ "streamable 2025-11-25": 18_000 });
});

test("an initialize with an old id starts one session and adopts none", () => {
  const [worker] = startWorkers(1);
  const body = result({ protocolVersion: "2025-11-25" });
  const response = { headers: { ...JSON_ANSWER, "mcp-session-id": "new" }, body };
  post(worker, request("initialize", {}), response, { headers: inSession("old") });
  expect(started(worker)).toEqual({ "streamable ": 1 });
  expect(adopted(worker)).toEqual({});
});

test("messages of the server keep a session alive", () => {
  const [worker] = startWorkers(1, { configuration: { sessions: { idleTimeout: "20s" } } });
  initialize(worker, "s");
  const get = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s" } };
  const open = { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } as const;
  const { stream } = exchange(worker, { request: get, response: open });
  for (let i = 0; i < 12; i++) {
    passSeconds([worker], 5);
    stream.responseBody(Buffer.from('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n'));
  }
  expect(ended(worker)).toEqual({});
});

test("neither keys nor values of the store contain an id, nor does a log", () => {
  const workers = startWorkers(2, { configuration: { log: "trace" } });
  initialize(workers[0], "very-secret-id");
  call(workers[1], "very-secret-id");
  passSeconds(workers, 12);
  const { sharedData } = workers[0].vm;
  const everything = sharedData.keys().map((key) => key + Buffer.from(sharedData.get(key)!.bytes).toString("latin1"));
  expect(everything.join("\n")).not.toContain("secret-id");
  expect(workers.flatMap(({ vm }) => vm.logs.map(({ message }) => message)).join("\n")).not.toContain("secret-id");
});

/** One of the reads of each POST is the check whether HTTP+SSE has been used, which finds nothing here. */
describe.runIf(has("hostCalls"))("the cost of the store, in host calls that read and that write", () => {
  /** Shared-data reads and writes of what `run` does. */
  function cost(worker: Plugin, run: () => void): [reads: number, writes: number] {
    worker.vm.calls.reset();
    run();
    return [worker.vm.calls.count("proxy_get_shared_data"), worker.vm.calls.count("proxy_set_shared_data")];
  }

  function warmWorker(): Plugin {
    const [worker] = startWorkers(1);
    initialize(worker, "first");
    call(worker, "first");
    return worker;
  }

  test("a new session: the count of sessions, the bucket, the count again", () => {
    const worker = warmWorker();
    expect(cost(worker, () => initialize(worker, "second"))).toEqual([4, 2]);
  });

  test("a session that is new to this worker: the count and the bucket", () => {
    const [one, two] = startWorkers(2);
    initialize(one, "first");
    initialize(two, "second");
    call(two, "second");
    expect(cost(two, () => call(two, "first"))).toEqual([3, 0]);
  });

  test("a flush: the bucket; and each tick the slot, the lease, the service clock and the claims of both roles", () => {
    const worker = warmWorker();
    passSeconds([worker], 6);
    call(worker, "first");
    passSeconds([worker], 4);
    const swept = cost(worker, () => passSeconds([worker], 1));
    const plain = cost(worker, () => passSeconds([worker], 1));
    expect(plain).toEqual([7, 3]);
    expect(swept[1]).toBeGreaterThan(plain[1]);
  });

  test("an unknown name: one read of the names, and one of the list that the caller saw", () => {
    const worker = warmWorker();
    const unknown = () => post(worker, toolCall("ghost"), error(-32602), { headers: inSession("first") });
    unknown();
    expect(cost(worker, unknown)).toEqual([3, 0]);
  });

  test("a stream that ends without its response: one look-up of a cancellation", () => {
    const worker = warmWorker();
    const unanswered = () =>
      post(worker, toolCall("echo"), { headers: SSE_ANSWER, body: ":\n\n" }, { headers: inSession("first") });
    unanswered();
    expect(cost(worker, unanswered)).toEqual([2, 0]);
  });
});
