import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { itHolds } from "../property.ts";
import { response } from "./otlp.ts";
import { ATTRIBUTES, ENCODINGS, EVENTS, pagesAfter, read, rejected, written, type WrittenSpan } from "./writer.ts";

const TEXT_LIMIT = 256;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const attribute = (name: string): number => ATTRIBUTES.indexOf(name);

const CALL: WrittenSpan = {
  trace: [0x0af7651916cd43ddn, 0x8448eb211c80319cn],
  id: 0xb7ad6b7169203331n,
  parent: 0x00f067aa0ba902b7n,
  kind: 2,
  isError: true,
  startedAt: 1_795_000_000_000_000_001n,
  endedAt: 1_795_000_000_123_456_789n,
  method: bytes("tools/call"),
  target: bytes("add"),
  attributes: [
    [attribute("mcp.method.name"), bytes("tools/call")],
    [attribute("jsonrpc.request.id"), bytes('"\\\n')],
    [attribute("mcp.tokens"), 300n],
  ],
  events: [[0, 1_795_000_000_100_000_000n]],
  droppedEvents: 2,
  links: [[1n, 2n, 3n, "session"]],
};
const ROOT: WrittenSpan = {
  trace: [0n, 1n],
  id: 2n,
  parent: 0n,
  kind: 1,
  isError: false,
  startedAt: 1n,
  endedAt: 2n,
  method: bytes("MCP session"),
  target: bytes(""),
  attributes: [],
  events: [],
  droppedEvents: 0,
  links: [],
};
const RESOURCE = { "service.name": "orders" };

/** The request with these two spans, as OTLP's specification and opentelemetry-proto's definitions have it. */
const TREE = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "orders" } }] },
      scopeSpans: [
        {
          scope: { name: "mcp-proxy-wasm", version: "1.2.3" },
          spans: [
            {
              traceId: "0af7651916cd43dd8448eb211c80319c",
              spanId: "b7ad6b7169203331",
              parentSpanId: "00f067aa0ba902b7",
              name: "tools/call add",
              kind: 2,
              startTimeUnixNano: "1795000000000000001",
              endTimeUnixNano: "1795000000123456789",
              status: { code: 2 },
              attributes: [
                { key: "mcp.method.name", value: { stringValue: "tools/call" } },
                { key: "jsonrpc.request.id", value: { stringValue: '"\\\n' } },
                { key: "mcp.tokens", value: { intValue: "300" } },
              ],
              events: [{ timeUnixNano: "1795000000100000000", name: "mcp.response.first_byte" }],
              droppedEventsCount: 2,
              links: [
                {
                  traceId: "00000000000000010000000000000002",
                  spanId: "0000000000000003",
                  attributes: [{ key: "mcp.link.type", value: { stringValue: "session" } }],
                },
              ],
            },
            {
              traceId: "00000000000000000000000000000001",
              spanId: "0000000000000002",
              name: "MCP session",
              kind: 1,
              startTimeUnixNano: "1",
              endTimeUnixNano: "2",
            },
          ],
        },
      ],
    },
  ],
};

/** A field a line: its tag, the length of what has one, its value; the fields of a message are below it. */
const GOLDEN_PROTOBUF = String.raw`
0a f902  # resource_spans
  0a 1a  # resource
    0a 18  # attributes
      0a 0c 736572766963652e6e616d65  # key = service.name
      12 08  # value
        0a 06 6f7264657273  # string_value = orders
  12 da02  # scope_spans
    0a 17  # scope
      0a 0e 6d63702d70726f78792d7761736d  # name = mcp-proxy-wasm
      12 05 312e322e33  # version = 1.2.3
    12 ff01  # spans
      0a 10 0af7651916cd43dd8448eb211c80319c  # trace_id
      12 08 b7ad6b7169203331  # span_id
      22 08 00f067aa0ba902b7  # parent_span_id
      2a 0e 746f6f6c732f63616c6c20616464  # name = tools/call add
      30 02  # kind = 2
      39 0180d35bfd1ee918  # start_time_unix_nano = 1795000000000000001
      41 154d2f63fd1ee918  # end_time_unix_nano = 1795000000123456789
      7a 02  # status
        18 02  # code = 2
      4a 1f  # attributes
        0a 0f 6d63702e6d6574686f642e6e616d65  # key = mcp.method.name
        12 0c  # value
          0a 0a 746f6f6c732f63616c6c  # string_value = tools/call
      4a 1b  # attributes
        0a 12 6a736f6e7270632e726571756573742e6964  # key = jsonrpc.request.id
        12 05  # value
          0a 03 225c0a  # string_value = "\\\n
      4a 11  # attributes
        0a 0a 6d63702e746f6b656e73  # key = mcp.tokens
        12 03  # value
          18 ac02  # int_value = 300
      5a 22  # events
        09 0061c961fd1ee918  # time_unix_nano = 1795000000100000000
        12 17 6d63702e726573706f6e73652e66697273745f62797465  # name = mcp.response.first_byte
      60 02  # dropped_events_count = 2
      6a 38  # links
        0a 10 00000000000000010000000000000002  # trace_id
        12 08 0000000000000003  # span_id
        22 1a  # attributes
          0a 0d 6d63702e6c696e6b2e74797065  # key = mcp.link.type
          12 09  # value
            0a 07 73657373696f6e  # string_value = session
    12 3d  # spans
      0a 10 00000000000000000000000000000001  # trace_id
      12 08 0000000000000002  # span_id
      2a 0b 4d43502073657373696f6e  # name = MCP session
      30 01  # kind = 1
      39 0100000000000000  # start_time_unix_nano = 1
      41 0200000000000000  # end_time_unix_nano = 2
`;

/** The same in JSON, without the line breaks. */
const GOLDEN_JSON = String.raw`{"resourceSpans":[
  {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orders"}}]},
  "scopeSpans":[{"scope":{"name":"mcp-proxy-wasm","version":"1.2.3"},"spans":[
    {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"00f067aa0ba902b7","name":"tools/call add","kind":2,
      "startTimeUnixNano":"1795000000000000001","endTimeUnixNano":"1795000000123456789","status":{"code":2},
      "attributes":[{"key":"mcp.method.name","value":{"stringValue":"tools/call"}},{"key":"jsonrpc.request.id","value":{"stringValue":"\"\\\u000a"}},{"key":"mcp.tokens","value":{"intValue":"300"}}],
      "events":[{"timeUnixNano":"1795000000100000000","name":"mcp.response.first_byte"}],
      "droppedEventsCount":2,"links":[{"traceId":"00000000000000010000000000000002","spanId":"0000000000000003","attributes":[{"key":"mcp.link.type","value":{"stringValue":"session"}}]}]},
    {"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","name":"MCP session","kind":1,
      "startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[]}
  ]}]}
]}`;

describe("the golden request", () => {
  test.each(ENCODINGS)("in %s is read as it is meant", (encoding) => {
    const request = written(encoding, [CALL, ROOT], RESOURCE);
    expect(read(encoding, request)).toEqual(TREE);
  });

  test("in protobuf has these bytes", () => {
    const bytes = GOLDEN_PROTOBUF.replaceAll(/#.*|\s/g, "");
    expect(written("protobuf", [CALL, ROOT], RESOURCE).toString("hex")).toBe(bytes);
  });

  test("in JSON has these bytes", () => {
    expect(written("json", [CALL, ROOT], RESOURCE).toString()).toBe(GOLDEN_JSON.replaceAll(/\n */g, ""));
  });
});

describe("any spans", () => {
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const id = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.string({ unit: "binary", maxLength: 300 }).map(bytes),
    fc.string({ unit: "grapheme-ascii", maxLength: 300 }).map(bytes),
    fc
      .array(fc.constantFrom(0, 0x22, 0x5c, 0x7f, 0x80, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5), {
        maxLength: 300,
      })
      .map((all) => Uint8Array.from(all)),
  );
  const value = fc.oneof(
    text,
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -2n, max: 300n }),
  );
  const link = fc.tuple(u64, u64, id, fc.constantFrom("meta", "transport", "session", "envoy"));
  const span: fc.Arbitrary<WrittenSpan> = fc
    .record({
      trace: fc.tuple(u64, id),
      id,
      parent: fc.oneof(fc.constant(0n), id),
      kind: fc.constantFrom(1, 2, 3),
      isError: fc.boolean(),
      startedAt: id,
      endedAt: id,
      method: text.filter(({ length }) => length > 0),
      target: text,
      attributes: fc.array(fc.tuple(fc.nat(ATTRIBUTES.length - 1), value), { maxLength: 40 }),
      events: fc.array(fc.tuple(fc.nat(EVENTS.length - 1), id), { maxLength: 20 }),
      droppedEvents: fc.oneof(fc.constant(0), fc.nat()),
      links: fc.array(link, { maxLength: 4 }),
      interrupted: fc.option(fc.nat(4)),
    })
    .map(({ interrupted, ...rest }) => ({
      ...rest,
      ...(interrupted === null ? {} : { interruptedAfter: Math.min(interrupted, rest.links.length) }),
    }));
  const spans = fc.array(span, { minLength: 1, maxLength: 5 });
  const resource = fc.dictionary(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 }), text, {
    maxKeys: 4,
  });

  itHolds(
    "are read in both encodings as they are meant",
    400,
    fc.property(spans, resource, (all, attributes) => {
      for (const encoding of ENCODINGS) {
        expect(read(encoding, written(encoding, all, attributes))).toEqual(expected(all, attributes));
      }
    }),
  );
});

describe("responses", () => {
  test.each([0, 1, 300, 2 ** 40])("say that %i spans are rejected", (count) => {
    expect(rejected("protobuf", response(count, "too old"))).toBe(count);
    const texts = [`"${count}"`, `${count}`];
    for (const text of texts) {
      expect(rejected("json", bytes(`{"partialSuccess":{"errorMessage":"too old","rejectedSpans":${text}}}`))).toBe(
        count,
      );
      expect(rejected("json", bytes(`{"partial_success":{"rejected_spans":${text}}}`))).toBe(count);
    }
  });

  test.each([
    ["nothing", ""],
    ["no partial success", "{}"],
    ["a null", '{"partialSuccess":null}'],
    ["a negative number", '{"partialSuccess":{"rejectedSpans":"-1"}}'],
    ["no number", '{"partialSuccess":{"rejectedSpans":"many"}}'],
    ["an object", '{"partialSuccess":{"rejectedSpans":{"a":1}}}'],
    ["a page", "<html>503</html>"],
  ])("of %s reject none", (_name, text) => {
    expect(rejected("json", bytes(text))).toBe(0);
    expect(rejected("protobuf", response(-1))).toBe(0);
  });

  test("that say it twice count the last time, and fields that are unknown are passed over", () => {
    const unknown = Buffer.from("1001" + "1d00000000" + "210000000000000000" + "2a03616263", "hex");
    const inner = Buffer.concat([unknown, Buffer.from("0805", "hex"), unknown, Buffer.from("0807", "hex"), unknown]);
    const outer = Buffer.concat([unknown, Buffer.from([0x0a, inner.length]), inner, unknown]);
    expect(rejected("protobuf", outer)).toBe(7);
  });

  itHolds(
    "may be any bytes",
    2000,
    fc.property(fc.uint8Array({ maxLength: 100 }), (response) => {
      for (const encoding of ENCODINGS) expect(rejected(encoding, response)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test.each(ENCODINGS)("writing 100 000 spans in %s allocates nothing", (encoding) => {
  const before = pagesAfter(encoding, 100);
  expect(pagesAfter(encoding, 100_000)).toBe(before);
});

/** What a request with these spans means. */
function expected(spans: readonly WrittenSpan[], attributes: Readonly<Record<string, Uint8Array>>): unknown {
  const resource = Object.entries(attributes).map(([key, value]) => ({
    key,
    value: { stringValue: shown(value, 1024) },
  }));
  const scope = { name: "mcp-proxy-wasm", version: "1.2.3" };
  return {
    resourceSpans: [
      {
        resource: resource.length > 0 ? { attributes: resource } : {},
        scopeSpans: [{ scope, spans: spans.map(expectedSpan) }],
      },
    ],
  };
}

function expectedSpan(span: WrittenSpan): unknown {
  const name = shown(span.method) + (span.target.length > 0 ? ` ${shown(span.target)}` : "");
  const tree: Record<string, unknown> = {
    traceId: hex(span.trace[0]) + hex(span.trace[1]),
    spanId: hex(span.id),
    name,
    kind: span.kind,
    startTimeUnixNano: String(span.startedAt),
    endTimeUnixNano: String(span.endedAt),
  };
  if (span.parent !== 0n) tree.parentSpanId = hex(span.parent);
  if (span.isError) tree.status = { code: 2 };
  if (span.attributes.length > 0) {
    tree.attributes = span.attributes.map(([attribute, value]) => ({
      key: ATTRIBUTES[attribute],
      value: typeof value === "bigint" ? { intValue: String(value) } : { stringValue: shown(value) },
    }));
  }
  if (span.events.length > 0) {
    tree.events = span.events.map(([event, at]) => ({ timeUnixNano: String(at), name: EVENTS[event] }));
  }
  if (span.droppedEvents > 0) tree.droppedEventsCount = span.droppedEvents;
  if (span.links.length > 0) {
    tree.links = span.links.map(([high, low, spanId, type]) => ({
      traceId: hex(high) + hex(low),
      spanId: hex(spanId),
      attributes: [{ key: "mcp.link.type", value: { stringValue: type } }],
    }));
  }
  return tree;
}

/** A text as JavaScript decodes it, without NULs. */
function shown(text: Uint8Array, limit = TEXT_LIMIT): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return decoder.decode(text.subarray(0, limit)).replaceAll("\0", "\ufffd");
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}
