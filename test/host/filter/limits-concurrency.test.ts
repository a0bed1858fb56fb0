/** Tests permits, which are held from the admission of a request until its response. */
import { describe, expect, test } from "vitest";
import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import {
  batch,
  countsBy,
  event,
  JSON_ANSWER,
  MCP_HEADERS,
  notification,
  passSeconds,
  request,
  result,
  SSE_ANSWER,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { rewritten } from "./access.ts";
import { openSession, send } from "./http-sse.ts";
import { ask, limited, replyOf, startLimited } from "./limits.ts";
import { GET_HEADERS, inSession, openPost, OpenStream } from "./open-stream.ts";

const TWO = { name: "two", key: [], concurrency: 2 };
const SLOW = { name: "slow", to: [{ operation: { tools: ["slow"] } }], key: [], concurrency: 2 };

/** Sends a call without a response yet. */
function call(plugin: Plugin, id: number, headers: Record<string, string> = MCP_HEADERS, tool = "slow"): HttpStream {
  return exchange(plugin, { request: { headers, body: toolCall(tool, id) }, response: null, ended: "open" }).stream;
}

/** The number of calls that the filter admits in addition to the open ones. They are reset at once. */
function free(plugin: Plugin, most = 5): number {
  const streams = Array.from({ length: most }, (_, i) => call(plugin, 100 + i));
  const passed = streams.filter((stream) => stream.reply === undefined);
  for (const stream of passed) stream.reset("client");
  return passed.length;
}

function answer(stream: HttpStream, id: number): void {
  stream.responseHeaders([[":status", "200"], ...Object.entries(JSON_ANSWER)]);
  stream.responseBody(Buffer.from(result({ content: [] }, id)), true);
  stream.end();
}

test("the rule's number of calls are open at once", () => {
  const plugin = startLimited([TWO]);
  const [one, two, three] = [call(plugin, 1), call(plugin, 2), call(plugin, 3)];
  expect([one, two].map((stream) => stream.reply)).toEqual([undefined, undefined]);
  expect(replyOf(three)).toMatchObject({
    details: "mcp_limited[two]",
    headers: { "retry-after": "1" },
    body: { id: 3, error: { data: { scope: "concurrency", limit: 2, retryAfterMs: 1000 } } },
  });
  answer(one, 1);
  expect(free(plugin)).toBe(1);
  answer(two, 2);
  expect(free(plugin)).toBe(2);
});

describe("a permit is released", () => {
  const ends: [how: string, end: (stream: HttpStream) => void][] = [
    ["when the client goes away", (stream) => stream.reset("client")],
    ["when the server fails", (stream) => stream.reset("server")],
    [
      "when the server answers with an error status",
      (stream) => {
        stream.responseHeaders([[":status", "503"]], true);
        stream.end();
      },
    ],
    [
      "by the message of a stream that stays open",
      (stream) => {
        stream.responseHeaders([[":status", "200"], ...Object.entries(SSE_ANSWER)]);
        stream.responseBody(Buffer.from(event(result({ content: [] }, 1))));
      },
    ],
    [
      "by a task in place of the result",
      (stream) => {
        stream.responseHeaders([[":status", "200"], ...Object.entries(SSE_ANSWER)]);
        const task = { taskId: "t", status: "working", createdAt: "2026-01-01T00:00:00Z", ttl: 1000 };
        stream.responseBody(Buffer.from(event(result({ task }, 1))));
      },
    ],
  ];
  test.each(ends)("%s", (_how, end) => {
    const plugin = startLimited([TWO]);
    const [one] = [call(plugin, 1), call(plugin, 2)];
    expect(free(plugin)).toBe(0);
    end(one);
    expect(free(plugin)).toBe(1);
  });

  test("when the client of a session disconnects, although it may still cancel", () => {
    const plugin = startLimited([TWO]);
    const [one] = [call(plugin, 1, inSession("s")), call(plugin, 2)];
    one.reset("client");
    expect(free(plugin)).toBe(1);
  });

  test("by a cancellation at once, although the stream stays open", () => {
    const plugin = startLimited([TWO]);
    const one = openPost(plugin, "s", toolCall("slow", 1));
    call(plugin, 2);
    expect(free(plugin)).toBe(0);
    const cancelled = notification("notifications/cancelled", { requestId: 1 });
    ask(plugin, cancelled, { headers: inSession("s"), response: { status: 202 } });
    expect(free(plugin)).toBe(1);
    one.close();
    expect(free(plugin)).toBe(1);
  });

  test("by a cancellation on another worker within a tick", () => {
    const [one, two] = startWorkers(2, { configuration: limited([TWO]) });
    const stream = openPost(one, "s", toolCall("slow", 1));
    call(one, 2);
    const cancelled = notification("notifications/cancelled", { requestId: 1 });
    ask(two, cancelled, { headers: inSession("s"), response: { status: 202 } });
    expect(free(two)).toBe(0);
    passSeconds([one, two], 1);
    expect(free(two)).toBe(1);
    stream.close();
    expect(free(two)).toBe(1);
  });

  test("by a cancellation of another session not at all", () => {
    const plugin = startLimited([TWO]);
    openPost(plugin, "s", toolCall("slow", 1));
    call(plugin, 2);
    const cancelled = notification("notifications/cancelled", { requestId: 1 });
    ask(plugin, cancelled, { headers: inSession("other"), response: { status: 202 } });
    expect(free(plugin)).toBe(0);
  });
});

test("workers share permits, and those of one that traps are released within two sweeps", () => {
  const [one, two] = startWorkers(2, { configuration: limited([TWO]) });
  call(one, 1);
  call(one, 2);
  expect(free(two)).toBe(0);
  // The other one never ticks again.
  passSeconds([two], 3);
  expect(free(two)).toBe(0);
  passSeconds([two], 12);
  expect(free(two)).toBe(2);
});

test("permits of a live worker are kept, however long its calls take", () => {
  const workers = startWorkers(2, { configuration: limited([TWO]) });
  call(workers[0], 1);
  call(workers[0], 2);
  passSeconds(workers, 60);
  expect(free(workers[1])).toBe(0);
});

test("a batch acquires a permit for each of its calls while permits are available", () => {
  const plugin = startLimited([TWO]);
  const three = [1, 2, 3].map((id) => toolCall("slow", id));
  const answers = batch(...[1, 2].map((id) => result({ content: [] }, id)));
  const limited = ask(plugin, batch(...three), { response: { body: answers } });
  expect(limited.stream.passedRequest).toBe(batch(three[0], three[1], rewritten(three[2])));
  expect(free(plugin)).toBe(2);
  const spec = { request: { headers: MCP_HEADERS, body: batch(toolCall("slow", 1), toolCall("slow", 2)) } };
  const { stream } = exchange(plugin, { ...spec, response: null, ended: "open" });
  expect(free(plugin)).toBe(0);
  stream.responseHeaders([[":status", "200"], ...Object.entries(SSE_ANSWER)]);
  stream.responseBody(Buffer.from(event(result({ content: [] }, 2))));
  expect(free(plugin)).toBe(1);
  stream.reset("server");
  expect(free(plugin)).toBe(2);
});

test("a request that is not MCP holds a permit until its stream ends", () => {
  const plugin = startLimited([TWO]);
  const body = '{"jsonrpc":"2.0","id":1,"method":"x.other"}';
  const { stream } = exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: null, ended: "open" });
  expect(free(plugin)).toBe(1);
  stream.reset("client");
  expect(free(plugin)).toBe(2);
});

describe("over HTTP+SSE", () => {
  test("the response on the session's stream, on another worker, releases it", () => {
    const [one, two] = startWorkers(2, { configuration: limited([SLOW]) });
    const stream = openSession(one, two);
    expect(send(one, toolCall("slow", 1)).reply).toBeUndefined();
    expect(send(one, toolCall("slow", 2)).reply).toBeUndefined();
    const third = send(one, toolCall("slow", 3));
    expect(third.passedRequest).toBe(rewritten(toolCall("slow", 3)));
    stream.send(result({ content: [] }, 1));
    expect(send(two, toolCall("slow", 4)).reply).toBeUndefined();
    expect(send(two, toolCall("slow", 5)).passedRequest).toBe(rewritten(toolCall("slow", 5)));
    stream.send(result({ content: [] }, 2), result({ content: [] }, 4));
    expect(free(one)).toBe(2);
  });

  test("the end of the session's stream releases it", () => {
    const plugin = startLimited([SLOW]);
    const stream = openSession(plugin, plugin);
    send(plugin, toolCall("slow", 1));
    send(plugin, toolCall("slow", 2));
    expect(free(plugin)).toBe(0);
    stream.close("server");
    expect(free(plugin)).toBe(2);
  });
});

describe("streams", () => {
  const listen = request("subscriptions/listen", { subscriptions: [] });
  const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen" };
  const open = (plugin: Plugin) =>
    exchange(plugin, { request: { headers, body: listen }, response: null, ended: "open" });

  test("that listen hold no permit of a rule that does not name them", () => {
    const plugin = startLimited([TWO]);
    for (let i = 0; i < 5; i++) expect(open(plugin).stream.reply).toBeUndefined();
    expect(free(plugin)).toBe(2);
  });

  test("that listen hold one of a rule that names them until they end", () => {
    const plugin = startLimited([{ ...TWO, to: [{ operation: { methods: ["subscriptions/listen"] } }] }]);
    const [one, two, three] = [open(plugin), open(plugin), open(plugin)];
    expect([one, two].map(({ stream }) => stream.reply)).toEqual([undefined, undefined]);
    expect(three.stream.reply).toBeDefined();
    one.stream.reset("client");
    expect(open(plugin).stream.reply).toBeUndefined();
    expect(open(plugin).stream.reply).toBeDefined();
  });

  test("that a GET opens hold one of a rule that names GET, and are rejected with a status", () => {
    const plugin = startLimited([{ ...TWO, to: [{ operation: { methods: ["GET"] } }] }]);
    const get = { method: "GET", headers: GET_HEADERS };
    const streams = [new OpenStream(plugin, get), new OpenStream(plugin, get)];
    const third = exchange(plugin, { request: get, response: null, ended: "open" }).stream;
    expect(replyOf(third)).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    expect(countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_decision")).toEqual({ admitted: 2, limited: 1 });
    streams[0].close("client");
    expect(new OpenStream(plugin, get).stream.reply).toBeUndefined();
    for (let i = 0; i < 5; i++) expect(ask(plugin, toolCall("slow")).reply).toBeUndefined();
  });

  test("that a GET opens are not limited by a rule that does not name GET", () => {
    const plugin = startLimited([TWO, { name: "calls", key: [], requests: { amount: 1, per: "1h" } }]);
    for (let i = 0; i < 5; i++) {
      expect(new OpenStream(plugin, { method: "GET", headers: GET_HEADERS }).stream.reply).toBeUndefined();
    }
    expect(free(plugin)).toBe(1);
  });
});
