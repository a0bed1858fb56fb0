/** Tests messages that the gate rejects while it forwards others of the request, or where a reply would not reach the
 *  client. */
import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type Body, exchange, type Plugin, requestHead } from "../../../scripts/host/index.ts";
import { itHolds } from "../../unit/property.ts";
import { ask, deniedBy, methods, refusedFor, rewritten, startGuarded, tools } from "./access.ts";
import {
  batch,
  countsBy,
  error,
  MCP_HEADERS,
  notification,
  request,
  result,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { ENDPOINT, openSession, POST_HEADERS, send } from "./http-sse.ts";
import { ask as askLimited } from "./limits.ts";
import { answer, call, isWaiting, runTurns } from "./queues.ts";
import { has } from "./matrix.ts";

const ANSWERS = {
  name: "answers",
  action: "DENY",
  to: [{ operation: { methods: ["*"], direction: "server_to_client" } }],
};
const POLICY = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm"), methods("DENY", "no-x", "x/*")] };
const STRICT = { ...POLICY, rules: [...POLICY.rules, ANSWERS] };
const DENIED = { code: 403, message: "Denied by the access policy", data: { rule: "no-rm" } };
const LIMITED = { code: 429, data: { rule: "calls" } };
const CALLS = { name: "calls", key: [], requests: { amount: 2, per: "1m" } };
const answersOf = (...ids: unknown[]) => ({ response: { body: batch(...ids.map((id) => error(-32601, id))) } });
const passed = (plugin: Plugin, body: Body, asking: Parameters<typeof ask>[2] = {}) =>
  ask(plugin, body, asking).stream.passedRequest;
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_outcome");
const decisions = (plugin: Plugin) => countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule");

/** A body in which `«…»` are methods that are replaced and `‹…›` is replaced with white space: as sent, and as received by
 *  the server. */
function marked(text: string): { sent: string; received: string } {
  const hidden = (method: string) => "denied_".padEnd(method.length, "_").slice(0, method.length);
  return {
    sent: text.replace(/[«»‹›]/g, ""),
    received: text
      .replace(/«([^»]*)»/g, (_, method: string) => hidden(method))
      .replace(/‹([^›]*)›/g, (_, blank: string) => " ".repeat(Buffer.byteLength(blank))),
  };
}

describe("a denied message is replaced in place, and all other bytes stay:", () => {
  const shared = startGuarded(STRICT);
  const allowed = '{"id":9,"method":"tools/list"}';
  test.each<[string, string]>([
    ["the first", `[{"id":1,"method":"«tools/call»","params":{"name":"rm"}},${allowed}]`],
    ["the last", `[${allowed},{"id":1,"method":"«tools/call»","params":{"name":"rm"}}]`],
    [
      "one with odd spacing",
      `\t[ ${allowed} ,\r\n {"id" : 1 ,"method"\n:\t"«tools/call»", "params":{"name":"rm"} } ] \n`,
    ],
    ["one whose method comes last", `[${allowed},{"params":{"name":"rm"},"id":1,"method":"«tools/call»"}]`],
    ["one with an escaped method", `[${allowed},{"id":1,"method":"«tools\\/c\\u0061ll»","params":{"name":"rm"}}]`],
    [
      "one that looks like many",
      `[${allowed},{"x":{"method":"tools/call"},"id":1,"method":"«tools/call»","y":["method"],"params":{"name":"rm","method":"a"}}]`,
    ],
    [
      "one behind a name beyond ASCII",
      `[{"id":9,"method":"tools/call","params":{"name":"é😀"}},{"id":1,"method":"«tools/call»","params":{"name":"rm"}}]`,
    ],
    ["a short method", `[${allowed},{"id":1,"method":"«x/»"}]`],
    ["a long method", `[${allowed},{"id":1,"method":"«x/${"y".repeat(240)}»"}]`],
    ["a notification", `[${allowed},{"method":"«x/y»"}]`],
    ["the first of answers", `[‹{"id":1,"result":{}},›${allowed},{"method":"a"}]`],
    ["all answers before what is left", `[ ‹{"id":1,"result":{}},› ‹{"id":2,"result":[]}  ,› ${allowed}]`],
    ["answers in between", `[${allowed}‹,{"id":1,"result":{"a":[1,{}]}}›‹ , {"id":2,"result":{}}› ,${allowed}]`],
    ["answers at the end", `[${allowed} ‹,{"id":1,"result":{}}›‹,{"id":2,"result":{}}›]`],
    [
      "answers beside a request that stays by another name",
      `[‹{"id":1,"result":{}},›{"id":1,"method":"«x/y»"}‹,{"id":2,"result":{}}›,${allowed}]`,
    ],
  ])("%s", (_, text) => {
    const { sent, received } = marked(text);
    const bytes = Buffer.from(sent);
    expect(Buffer.byteLength(received)).toBe(bytes.length);
    JSON.parse(received);
    const check = (pieces: Uint8Array[], requestEnd: "alone" | "with-last" | "trailers") => {
      const { reply, stream } = ask(shared, pieces, { requestEnd });
      assert.equal(reply, undefined);
      assert.equal(stream.passedRequest, received);
    };
    for (let at = 1; at < bytes.length; at++) check([bytes.subarray(0, at), bytes.subarray(at)], "alone");
    for (const end of ["alone", "with-last", "trailers"] as const) {
      check([bytes], end);
      check(
        Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
        end,
      );
    }
  });

  test.runIf(has("slices"))("in a body of many slices", () => {
    const long = toolCall("y".repeat(200_000), 1);
    const rest = toolCall("z".repeat(100_000), 3);
    const all = (second: string) => batch(long, second, rest);
    expect(passed(startGuarded(POLICY), all(toolCall("rm", 2)))).toBe(all(rewritten(toolCall("rm", 2))));
    expect(passed(startGuarded(STRICT), batch(result({}, 1), long))).toBe(
      `[${" ".repeat(result({}, 1).length + 1)}${long}]`,
    );
  });

  test.runIf(has("slices"))("in time that does not depend on the replaced bytes", () => {
    const plugin = startGuarded(STRICT, { more: { hold: { maxBodyBytes: "2MiB" } } });
    const ping = request("ping", undefined, "p");
    const answers = Array.from({ length: 120 }, (_, i) => result({ text: "x".repeat(8000) }, i));
    const timeOf = (body: string): number => {
      const times = [1, 2, 3].map(() => {
        const begin = performance.now();
        expect(passed(plugin, body).replaceAll(" ", "")).toBe(batch(ping));
        return performance.now() - begin;
      });
      return Math.min(...times);
    };
    const ratio = timeOf(batch(...answers, ping)) / timeOf(batch(ping, ...answers));
    expect(ratio).toBeLessThan(3);
  });

  test("a method with the replacement name becomes yet another one", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW", rules: [methods("DENY", "no", "denied*")] });
    const all = (method: string) => batch(request("ping"), request(method, {}, 2));
    expect(passed(plugin, all("denied____"))).toBe(all("denied___x"));
    expect(passed(plugin, all("denied"))).toBe(all("deniex"));
  });

  const part = fc.record({
    kind: fc.constantFrom("echo", "rm", "notice", "x", "answer", "list"),
    before: fc.constantFrom("", " ", "\n\t", "   "),
    after: fc.constantFrom("", " ", "\r\n"),
    text: fc.string({ unit: "grapheme", maxLength: 12 }),
  });
  const messageOf = (kind: string, id: number, text: string): string => {
    if (kind === "notice") return notification("notifications/a", { text });
    if (kind === "x") return notification("x/y", { text });
    if (kind === "answer") return result({ text }, id);
    if (kind === "list") return request("tools/list", { text }, id);
    return request("tools/call", { name: kind, arguments: { text } }, id);
  };
  const isRejected = (kind: string) => ["rm", "x", "answer"].includes(kind);

  itHolds(
    "whatever is in a batch",
    300,
    fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), fc.nat(), (parts, cut) => {
      const messages = parts.map(({ kind, text }, id) => messageOf(kind, id, text));
      const body = Buffer.from(`[${parts.map(({ before, after }, i) => before + messages[i] + after).join(",")}]`);
      const at = cut % body.length;
      const asked = ask(shared, [body.subarray(0, at), body.subarray(at)], { response: { status: 202 } });
      if (parts.every(({ kind }) => isRejected(kind))) return assert.notEqual(asked.reply, undefined);
      assert.equal(asked.reply, undefined);
      const received = asked.stream.passedRequest;
      assert.equal(Buffer.byteLength(received), body.length);
      const left = parts.flatMap(({ kind }, i) => {
        if (kind === "answer") return [];
        return [JSON.parse(isRejected(kind) ? rewritten(messages[i]) : messages[i]) as unknown];
      });
      assert.deepEqual(JSON.parse(received), left);
      if (!parts.some(({ kind }) => isRejected(kind))) assert.equal(received, body.toString());
    }),
  );
});

describe("the client receives the gate's error instead of the server's", () => {
  test.each([[2], ["2"], [-7], [0], ['é"\\ 😀'], ["i".repeat(256)], [12345678901]])("for the id %j", (id) => {
    const asked = ask(startGuarded(POLICY), batch(toolCall("echo", "a"), toolCall("rm", id)), {
      response: { body: batch(error(-32601, id), result({ content: [] }, "a")) },
    });
    expect(JSON.parse(asked.stream.received.toString())).toEqual([
      { jsonrpc: "2.0", id, error: DENIED },
      JSON.parse(result({ content: [] }, "a")),
    ]);
  });

  test("and other errors of the server do not change", () => {
    const body = batch(error(-32601, 1), error(-32601, "2"));
    const asked = ask(startGuarded(POLICY), batch(toolCall("echo", 1), toolCall("rm", 2)), { response: { body } });
    const [first, second] = JSON.parse(asked.stream.received.toString()) as { error: { code: number } }[];
    // Clients also accept "2" for 2.
    expect([first.error.code, second.error.code]).toEqual([-32601, 403]);
  });

  test.runIf(has("limits"))("and the text of limits", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW" }, { more: { limits: { rules: [CALLS] } } });
    const all = [1, 2, 3, 4].map((id) => toolCall("echo", id));
    const { stream } = ask(plugin, batch(...all), answersOf(3, 4));
    expect(JSON.parse(stream.received.toString())).toMatchObject([
      { id: 3, error: { ...LIMITED, data: { rule: "calls", scope: "requests", limit: 2, retryAfterMs: 30_000 } } },
      // Each of them needs its own room.
      { id: 4, error: { ...LIMITED, data: { retryAfterMs: 60_000, retryAfterSeconds: 60 } } },
    ]);
  });
});

describe.runIf(has("limits"))("the access policy and limits together", () => {
  const start = (more: object[] = []) => startGuarded(POLICY, { more: { limits: { rules: [CALLS, ...more] } } });

  test("take nothing for denied messages", () => {
    const plugin = start();
    const all = [toolCall("rm", 1), toolCall("rm", 2), toolCall("echo", 3), toolCall("echo", 4), toolCall("echo", 5)];
    const { stream } = ask(plugin, batch(...all), answersOf(1, 2, 5));
    expect(stream.passedRequest).toBe(batch(rewritten(all[0]), rewritten(all[1]), all[2], all[3], rewritten(all[4])));
    const errors = (JSON.parse(stream.received.toString()) as { id: number; error: { code: number } }[]).map(
      ({ id, error }) => [id, error.code],
    );
    expect(errors).toEqual([
      [1, 403],
      [2, 403],
      [5, 429],
    ]);
    expect(outcomes(plugin)).toEqual({ denied: 2, limited: 1, unanswered: 2 });
    expect(countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_decision")).toEqual({ admitted: 2, limited: 1 });
  });

  test("answer a batch if each rejects a part", () => {
    const plugin = start();
    ask(plugin, batch(toolCall("echo", 1), toolCall("echo", 2)));
    const all = batch(toolCall("rm", 3), toolCall("echo", "4"), notification("x/y"));
    const { reply, stream } = askLimited(plugin, all);
    expect(stream.passedRequest).toBe("");
    expect(reply?.details).toBe("mcp_limited[calls]");
    expect(reply?.body).toMatchObject([
      { id: 3, error: DENIED },
      { id: "4", error: LIMITED },
    ]);
    expect(outcomes(plugin)).toEqual({ ok: 1, unanswered: 1, denied: 1, limited: 1 });
  });

  test.runIf(has("waiting"))("wait for the rest of a batch, and then rewrite it", () => {
    const slow = { operation: { tools: ["slow"] } };
    const queue = { name: "one", to: [slow], key: [], concurrency: 1, queue: { maxWait: "5s", maxLength: 9 } };
    const plugin = startGuarded(POLICY, { more: { limits: { rules: [queue] } } });
    const first = call(plugin, 1);
    const body = batch(toolCall("rm", 2), toolCall("slow", 3));
    const spec = { request: { headers: MCP_HEADERS, body }, response: null, ended: "open" } as const;
    const { stream } = exchange(plugin, spec);
    expect(isWaiting(stream)).toBe(true);
    answer(first, 1);
    runTurns(plugin);
    expect(stream.passedRequest).toBe(batch(rewritten(toolCall("rm", 2)), toolCall("slow", 3)));
    expect(outcomes(plugin)).toEqual({ denied: 1, ok: 1 });
    answer(stream, 3);
    expect(outcomes(plugin)).toEqual({ denied: 1, ok: 2 });
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
  });
});

describe("a body that cannot be written", () => {
  const refusing = (plugin: Plugin, body: string, headers: Record<string, string> = MCP_HEADERS, path = "/mcp") => {
    const stream = plugin.stream();
    stream.requestHeaders(requestHead({ headers, path }));
    stream.refuseRequestWrites();
    stream.requestBody(Buffer.from(body), true);
    return stream;
  };

  test.runIf(has("metrics"))("is not forwarded: the request is answered", () => {
    const plugin = startGuarded(POLICY);
    const stream = refusing(plugin, batch(toolCall("echo", 1), toolCall("rm", 2), notification("a")));
    expect(stream.passedRequest).toBe("");
    expect(stream.reply).toMatchObject({ details: "mcp_access_refused[internal]" });
    expect(JSON.parse(stream.reply!.body)).toEqual(refusedFor("internal")!.body);
    expect(outcomes(plugin)).toEqual({ denied: 2 });
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
    // A body that needs no change passes.
    expect(refusing(plugin, toolCall("echo")).passedRequest).toBe(toolCall("echo"));
  });

  test.runIf(has("limits"))("of limits is not forwarded either, and what they took is refunded", () => {
    const plugin = startGuarded(
      { defaultAction: "ALLOW" },
      { more: { limits: { rules: [{ ...CALLS, requests: undefined, concurrency: 1 }] } } },
    );
    const stream = refusing(plugin, batch(toolCall("echo", 1), toolCall("echo", 2)));
    expect(stream.reply).toMatchObject({ details: "mcp_limits_refused[internal]" });
    expect(passed(plugin, toolCall("echo", 3))).toBe(toolCall("echo", 3));
  });

  test.runIf(has("sharedData"))("of HTTP+SSE is not forwarded either", () => {
    const plugin = startGuarded(POLICY);
    openSession(plugin, plugin);
    const stream = refusing(plugin, toolCall("rm", 1), POST_HEADERS, ENDPOINT);
    expect(stream.passedRequest).toBe("");
    expect(stream.reply).toMatchObject({ status: 403, details: "mcp_access_refused[internal]" });
  });
});

describe.runIf(has("sharedData")).each([1, 2])("over HTTP+SSE, with %i workers", (count) => {
  const start = (more: object = {}) => {
    const configuration = { match: { paths: ["/sse"] }, access: POLICY, ...more };
    const workers = startWorkers(count, { configuration });
    return { workers, poster: workers[count - 1], events: openSession(workers[count - 1], workers[0]) };
  };
  const sse = (message: unknown) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

  test("a denied call fails with the error on its stream", () => {
    const { workers, poster, events } = start();
    expect(send(poster, toolCall("rm", 7)).passedRequest).toBe(rewritten(toolCall("rm", 7)));
    events.send(error(-32601, 7));
    expect(events.stream.passedResponse).toContain(JSON.stringify(DENIED));
    expect(events.stream.passedResponse).not.toContain("-32601");
    // The session continues.
    send(poster, toolCall("echo", 8));
    events.send(result({ content: [] }, 8));
    expect(outcomes(workers[0])).toEqual({ ok: 2, denied: 1 });
    expect(decisions(workers[0])).toEqual({ _default: 2, "no-rm": 1 });
    expect(workers[0].vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
  });

  test("a limited call has the delay in its error", () => {
    const { workers, poster, events } = start({
      limits: { rules: [{ ...CALLS, requests: { amount: 2, per: "1m" } }] },
    });
    for (const id of [1, 2, 3]) send(poster, toolCall("echo", id));
    events.send(error(-32602, 3));
    expect(events.stream.passedResponse).toContain('"data":{"rule":"calls","scope":"requests","limit":2');
    expect(events.stream.passedResponse).toContain('"retryAfterMs":30000');
    expect(outcomes(workers[0])).toMatchObject({ limited: 1 });
  });

  test("a limited call has it also without an access policy", () => {
    const { poster, events } = start({ access: undefined, limits: { rules: [CALLS] } });
    for (const id of [1, 2, 3]) send(poster, toolCall("echo", id));
    events.send(error(-32602, 3));
    expect(events.stream.passedResponse).toContain('"code":429');
    expect(events.stream.passedResponse).not.toContain("-32602");
  });

  test("the error belongs to the session and expires after a minute", () => {
    const { workers, poster, events } = start();
    const other = openSession(poster, workers[0], "/messages?sessionId=other");
    send(poster, toolCall("rm", 7));
    other.send(error(-32601, 7));
    expect(other.stream.passedResponse).toBe(sse(JSON.parse(error(-32601, 7))));
    events.send(error(-32601, 6));
    expect(events.stream.passedResponse).toContain("-32601");
    poster.vm.clock.advance(61_000);
    events.send(error(-32601, 7));
    expect(events.stream.passedResponse).toContain("-32601");
  });

  test("a batch is answered message by message", () => {
    const { workers, poster, events } = start();
    send(poster, batch(toolCall("rm", 1), toolCall("echo", 2)));
    events.send(error(-32601, 1), result({ content: [] }, 2));
    expect(outcomes(workers[0])).toEqual({ ok: 2, denied: 1 });
  });
});

test.runIf(has("sharedData"))(
  "a client that does not accept an event stream receives the gate's error in the server's response",
  () => {
    const plugin = startGuarded(POLICY);
    const headers = { "content-type": "application/json" };
    const asked = ask(plugin, toolCall("rm"), { headers, response: { body: error(-32601, 1) } });
    expect(JSON.parse(asked.stream.received.toString())).toEqual(deniedBy("no-rm")!.body);
    expect(outcomes(plugin)).toEqual({ denied: 1 });
  },
);

test("memory does not grow with the number of rewritten bodies", () => {
  const plugin = startGuarded(STRICT);
  const all = batch(toolCall("rm", 1), result({}, "q"), toolCall("echo", 2), notification("x/y"));
  const run = () => ask(plugin, all, answersOf(1, 2));
  for (let i = 0; i < 300; i++) run();
  const pages = plugin.vm.memoryPages();
  for (let i = 0; i < 3000; i++) run();
  expect(plugin.vm.memoryPages()).toBe(pages);
});
