/** Tests `trace.setTraceparent`: the context in `_meta` becomes the request's `traceparent` if the headers are held. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Action, type BodyEnd, exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { ask, guarded, tools } from "./access.ts";
import { batch, MCP_HEADERS, notification, request, result, startFilter } from "./filter.ts";
import { limited } from "./limits.ts";
import { answer, call, isWaiting, passMilliseconds, runTurns } from "./queues.ts";
import { exported, startTraced, traced } from "./traces.ts";
import { itHolds } from "../../unit/property.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const FROM_MESH = "00-11111111111111111111111111111111-2222222222222222-01";
const HELD = { hold: { headers: true } };
const SETTING = { trace: { cluster: "otel", setTraceparent: true } };
const POLICY = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm")] };
const TRACED = { ...MCP_HEADERS, traceparent: FROM_MESH, tracestate: "mesh=1" };

function start(more: object = { ...HELD, ...SETTING }, allowHeadersStop = true): Plugin {
  return startFilter({ configuration: guarded(POLICY, more), allowHeadersStop });
}

function echo(meta: unknown, id: unknown = 1, tool = "echo"): string {
  return request(
    "tools/call",
    { name: tool, arguments: { traceparent: OTHER, _meta: { traceparent: OTHER } }, _meta: meta },
    id,
  );
}

/** The values of a header in the request that the server receives. */
function valuesOf(stream: HttpStream, name: string): string[] {
  return stream.requestHead.filter(([header]) => header === name).map(([, value]) => value);
}

function sent(stream: HttpStream): { traceparent: string[]; tracestate: string[] } {
  return { traceparent: valuesOf(stream, "traceparent"), tracestate: valuesOf(stream, "tracestate") };
}

const UNTOUCHED = { traceparent: [FROM_MESH], tracestate: ["mesh=1"] };

const plugin = start();
const send = (
  body: string | string[],
  headers: Record<string, string> | [string, string][] = TRACED,
  requestEnd?: BodyEnd,
) => sent(ask(plugin, body, { headers, requestEnd }).stream);

describe("the context in _meta", () => {
  test("replaces the context in the header, including its state", () => {
    expect(send(echo({ traceparent: PARENT, tracestate: "vendor=a, other=b" }))).toEqual({
      traceparent: [PARENT],
      tracestate: ["vendor=a, other=b"],
    });
    const several: [string, string][] = [
      ...Object.entries(MCP_HEADERS),
      ...["a=1", "b=2"].map((state): [string, string] => ["tracestate", state]),
      ...[FROM_MESH, OTHER].map((parent): [string, string] => ["traceparent", parent]),
    ];
    expect(send(echo({ traceparent: PARENT }), several)).toEqual({ traceparent: [PARENT], tracestate: [] });
  });

  test("is added if the header has no context", () => {
    expect(send(echo({ traceparent: PARENT }), MCP_HEADERS)).toEqual({ traceparent: [PARENT], tracestate: [] });
    expect(send(echo({ tracestate: "a=b", traceparent: PARENT }), MCP_HEADERS)).toEqual({
      traceparent: [PARENT],
      tracestate: ["a=b"],
    });
  });

  test("removes the state that belongs to the other context", () => {
    expect(send(echo({ traceparent: PARENT }))).toEqual({ traceparent: [PARENT], tracestate: [] });
  });

  test.each<BodyEnd>(["alone", "with-last", "trailers"])(
    "is read from a body in pieces that ends in any way: %s",
    (end) => {
      const body = echo({ traceparent: PARENT, tracestate: "vendor=a" });
      for (const size of [1, 7, 64]) {
        const pieces = body.match(new RegExp(`.{1,${size}}`, "g"))!;
        expect(send(pieces, TRACED, end)).toEqual({ traceparent: [PARENT], tracestate: ["vendor=a"] });
      }
    },
  );

  test("may be in any message", () => {
    const meta = { _meta: { traceparent: PARENT } };
    for (const body of [
      request("tools/list", meta),
      request("initialize", { ...meta, protocolVersion: "2025-11-25" }),
      notification("notifications/initialized", meta),
    ]) {
      expect(send(body)).toEqual({ traceparent: [PARENT], tracestate: [] });
    }
  });

  test("of a later version is forwarded as version 00", () => {
    const later = `cc${PARENT.slice(2)}-what-follows`;
    expect(send(echo({ traceparent: later }))).toEqual({ traceparent: [PARENT], tracestate: [] });
  });

  test.each<[string, unknown]>([
    ["no _meta", undefined],
    ["a _meta without it", { progressToken: 1 }],
    ["a state alone", { tracestate: "a=b" }],
    ["no text", { traceparent: 1 }],
    ["an object", { traceparent: { version: PARENT } }],
    ["the empty text", { traceparent: "" }],
    ["capitals", { traceparent: PARENT.toUpperCase() }],
    ["a version that is none", { traceparent: `ff${PARENT.slice(2)}` }],
    ["a trace of zeros", { traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` }],
    ["a span of zeros", { traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01` }],
    ["something behind it", { traceparent: `${PARENT}-00` }],
    ["a blank before it", { traceparent: ` ${PARENT}` }],
    ["another header in it", { traceparent: `${PARENT}\r\nx: y` }],
    ["no object", [PARENT]],
  ])("changes nothing where there is %s", (_, meta) => {
    expect(send(echo(meta))).toEqual(UNTOUCHED);
  });

  test("changes nothing elsewhere in a message", () => {
    const at = (message: object) => JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", ...message });
    for (const body of [
      at({ _meta: { traceparent: PARENT } }),
      at({ params: { traceparent: PARENT } }),
      at({ params: { _meta: { _meta: { traceparent: PARENT }, Traceparent: PARENT } } }),
    ]) {
      expect(send(body)).toEqual(UNTOUCHED);
    }
  });
});

describe("the state", () => {
  const state = (tracestate: unknown) => send(echo({ traceparent: PARENT, tracestate })).tracestate;

  test("may have 512 bytes", () => {
    const most = `a=${"x".repeat(510)}`;
    expect(state(most)).toEqual([most]);
    expect(state(`${most}x`)).toEqual([]);
    expect(state(`a=${"x".repeat(100_000)}`)).toEqual([]);
  });

  test("may contain escape sequences", () => {
    const body = echo({ traceparent: PARENT, tracestate: "STATE" });
    const { tracestate } = send(body.replace("STATE", String.raw`a=\u0062\/\"\\`));
    expect(tracestate).toEqual([String.raw`a=b/"\ `.trim()]);
  });

  test("loses spaces at its ends, which no header value has", () => {
    expect(state("  a=b , c=d ")).toEqual(["a=b , c=d"]);
    expect(state(" ")).toEqual([]);
  });

  test.each<unknown>(["", null, 1, true, ["a=b"], { a: "b" }, "a=b\r\nx: y", "a=b\n", "a=\t", "a=\0", "a=é", "\u007f"])(
    "is none where it is %j",
    (tracestate) => {
      expect(state(tracestate)).toEqual([]);
    },
  );

  test("does not affect the next request", () => {
    expect(state("a=b")).toEqual(["a=b"]);
    expect(send(echo({ traceparent: OTHER }))).toEqual({ traceparent: [OTHER], tracestate: [] });
    expect(send(echo({}))).toEqual(UNTOUCHED);
  });
});

describe("a batch", () => {
  const one = (meta: object | undefined, id: number, tool?: string) => echo(meta, id, tool);
  const state = { traceparent: PARENT, tracestate: "a=b" };

  test("sets the context if all messages with a context have the same", () => {
    const expected = { traceparent: [PARENT], tracestate: ["a=b"] };
    expect(send(batch(one(state, 1), one(state, 2)))).toEqual(expected);
    expect(send(batch(one(undefined, 1), one(state, 2), one({ traceparent: "x" }, 3)))).toEqual(expected);
    expect(send(batch(one(state, 1)))).toEqual(expected);
    const body = batch(one(state, 1), one(state, 2));
    expect(send(body.match(/.{1,3}/g)!)).toEqual(expected);
  });

  test.each([
    ["spans", { traceparent: OTHER, tracestate: "a=b" }],
    ["flags", { traceparent: PARENT.replace(/1$/, "0"), tracestate: "a=b" }],
    ["states", { traceparent: PARENT, tracestate: "a=c" }],
    ["states, one of which is none", { traceparent: PARENT }],
  ])("with different %s changes nothing", (_, other) => {
    expect(send(batch(one(state, 1), one(other, 2)))).toEqual(UNTOUCHED);
    expect(send(batch(one(other, 1), one({}, 2), one(state, 3), one(state, 4)))).toEqual(UNTOUCHED);
  });
});

describe("nothing changes", () => {
  const body = echo({ traceparent: PARENT, tracestate: "a=b" });
  const through = (plugin: Plugin, text = body) => sent(ask(plugin, text, { headers: TRACED }).stream);

  test.each<[string, object]>([
    ["by default", { ...HELD, trace: { cluster: "otel" } }],
    ["without the section", HELD],
    ["where headers are not held", SETTING],
  ])("%s", (_, more) => {
    expect(through(start(more))).toEqual(UNTOUCHED);
  });

  test("without a policy or limit on requests", () => {
    const configuration = { match: { paths: ["/mcp"] }, ...HELD, ...SETTING };
    expect(through(startFilter({ configuration, allowHeadersStop: true }))).toEqual(UNTOUCHED);
  });

  test("of a request that is denied", () => {
    const { stream, reply } = ask(plugin, echo({ traceparent: PARENT }, 1, "rm"), { headers: TRACED });
    expect(reply).toMatchObject({ details: "mcp_access_denied[no-rm]" });
    expect(sent(stream)).toEqual(UNTOUCHED);
  });

  test("of a request that is not MCP", () => {
    const free = startFilter({
      configuration: limited(
        [{ name: "few", key: [], requests: { amount: 1000, per: "1s" } }],
        {},
        { ...HELD, ...SETTING },
      ),
      allowHeadersStop: true,
    });
    const other = JSON.stringify({ query: "a", params: { _meta: { traceparent: PARENT } } });
    expect(through(free, other)).toEqual(UNTOUCHED);
    expect(through(free)).toEqual({ traceparent: [PARENT], tracestate: ["a=b"] });
  });
});

describe("limits with a queue", () => {
  const ONE = { name: "one", key: [], concurrency: 1, queue: { maxWait: "2s" } };
  const startQueue = (rules = [ONE]) =>
    startFilter({ configuration: limited(rules, {}, { ...HELD, ...SETTING }), allowHeadersStop: true });
  const traced = (plugin: Plugin, id: number, meta: object) => {
    const stream = plugin.stream();
    expect(stream.requestHeaders(HEAD)).toBe(Action.Pause);
    const action = stream.requestBody(Buffer.from(echo(meta, id)), true);
    return { stream, action };
  };
  const HEAD: [string, string][] = [
    [":authority", "mcp.example"],
    [":path", "/mcp"],
    [":method", "POST"],
    ...Object.entries(TRACED),
  ];

  test("set the header for requests that pass at once and for those that wait", () => {
    const plugin = startQueue();
    const first = traced(plugin, 1, { traceparent: PARENT, tracestate: "a=1" });
    const second = traced(plugin, 2, { traceparent: OTHER });
    const third = traced(plugin, 3, {});
    expect([first, second, third].map(({ action }) => action)).toEqual([Action.Continue, Action.Pause, Action.Pause]);
    expect(isWaiting(second.stream)).toBe(true);
    answer(first.stream, 1);
    runTurns(plugin);
    answer(second.stream, 2);
    runTurns(plugin);
    expect(sent(first.stream)).toEqual({ traceparent: [PARENT], tracestate: ["a=1"] });
    expect(sent(second.stream)).toEqual({ traceparent: [OTHER], tracestate: [] });
    expect(sent(third.stream)).toEqual(UNTOUCHED);
    expect(third.stream.passedRequest).not.toBe("");
  });

  test("set no header if headers are not held", () => {
    const configuration = limited([ONE], {}, SETTING);
    const plugin = startFilter({ configuration, allowHeadersStop: true });
    expect(sent(call(plugin, 1, { headers: TRACED }))).toEqual(UNTOUCHED);
    const waiting = call(plugin, 2, { headers: TRACED });
    passMilliseconds([plugin], 3000);
    expect(sent(waiting)).toEqual(UNTOUCHED);
  });
});

describe("the spans of such requests", () => {
  const [, trace, span] = PARENT.split("-");
  const more = { ...HELD, trace: traced({ setTraceparent: true }) };
  const spansOf = (body: string, beforeTheEnd: (stream: HttpStream) => void = () => {}) => {
    const [plugin] = startTraced(1, guarded(POLICY, more), { allowHeadersStop: true });
    const spec = { request: { headers: TRACED, body }, response: { body: result(), ended: "open" } } as const;
    const { stream } = exchange(plugin, spec);
    beforeTheEnd(stream);
    stream.end();
    return exported([plugin]);
  };
  const links = { transport: FROM_MESH.split("-").slice(1, 3).join("-") };

  test("do not treat the header that the filter wrote as a span of the proxy", () => {
    const meta = { traceparent: PARENT };
    expect(spansOf(echo(meta))).toMatchObject([{ traceId: trace, parentSpanId: span, links }]);
    const spans = spansOf(batch(echo(meta, 1), echo(undefined, 2)));
    expect(spans).toHaveLength(2);
    for (const { links } of spans) expect(links).not.toHaveProperty("envoy");
  });

  test("link to the span that the proxy's tracer wrote to the header", () => {
    const ofProxy = OTHER.split("-").slice(1, 3).join("-");
    const [found] = spansOf(echo({ traceparent: PARENT }), (stream) => {
      stream.requestHead.forEach((header) => {
        if (header[0] === "traceparent") (header as [string, string])[1] = OTHER;
      });
    });
    expect(found).toMatchObject({ traceId: trace, parentSpanId: span, links: { ...links, envoy: ofProxy } });
  });
});

itHolds(
  "no text of a client can write a header that is none",
  200,
  fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (parent, state) => {
    const before = send(echo({ traceparent: PARENT, tracestate: state }));
    expect(before.traceparent).toEqual([PARENT]);
    for (const value of before.tracestate) expect(value).toMatch(/^[!-~]([ -~]{0,510}[!-~])?$/);
    expect(send(echo({ traceparent: parent }))).toEqual(UNTOUCHED);
  }),
);
