/** The trace receiver that other tests rely on: what it reads, what it rejects and how it fails. */
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { hasReceiver, Receiver } from "./receiver.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const SPAN = {
  traceId: "5b8efff798038103d269b633813fc60c",
  spanId: "eee19b7ec3c1b174",
  parentSpanId: "eee19b7ec3c1b173",
  name: "tools/call add",
  kind: 2,
  startTimeUnixNano: "1544712660000000001",
  endTimeUnixNano: "1544712661000000000",
  attributes: [{ key: "mcp.tokens", value: { intValue: "7" } }],
  events: [{ name: "mcp.progress", timeUnixNano: "1544712660500000000" }],
  links: [
    {
      traceId: "5b8efff798038103d269b633813fc60d",
      spanId: "eee19b7ec3c1b175",
      attributes: [{ key: "mcp.link.type", value: { stringValue: "session" } }],
    },
  ],
  status: { code: 2 },
};
/** Resource `a`=`b`, scope `s`, and a span of trace 01…, id 02…, named `n`, of kind CLIENT, from 1 ns to 2 ns. */
const ENCODED = field(
  1,
  Buffer.concat([
    field(1, field(1, Buffer.concat([field(1, Buffer.from("a")), field(2, field(1, Buffer.from("b")))]))),
    field(
      2,
      Buffer.concat([
        field(1, field(1, Buffer.from("s"))),
        field(
          2,
          Buffer.concat([
            field(1, Buffer.alloc(16, 1)),
            field(2, Buffer.alloc(8, 2)),
            field(5, Buffer.from("n")),
            Buffer.from("3003", "hex"),
            Buffer.from("390100000000000000", "hex"),
            Buffer.from("410200000000000000", "hex"),
          ]),
        ),
      ]),
    ),
  ]),
);

let receiver: Receiver;

describe.runIf(await hasReceiver())("the receiver", () => {
  const keep = endsAfterAll();

  beforeAll(async () => {
    receiver = keep(await Receiver.start());
  });

  it("reads JSON", async () => {
    await send(JSON_TYPE, json(SPAN), "/json");
    expect(receiver.spans("/json")).toEqual([
      {
        traceId: SPAN.traceId,
        spanId: SPAN.spanId,
        parentSpanId: SPAN.parentSpanId,
        traceState: "",
        name: "tools/call add",
        kind: "server",
        startNs: 1544712660000000001n,
        endNs: 1544712661000000000n,
        status: "error",
        statusMessage: "",
        attributes: { "mcp.tokens": 7 },
        events: [{ name: "mcp.progress", timeNs: 1544712660500000000n, attributes: {} }],
        droppedEvents: 0,
        links: [
          {
            traceId: "5b8efff798038103d269b633813fc60d",
            spanId: "eee19b7ec3c1b175",
            attributes: { "mcp.link.type": "session" },
          },
        ],
        resource: { "service.name": "orders" },
        scope: { name: "mcp", version: "1" },
      },
    ]);
  });

  it("reads protobuf, compressed or not", async () => {
    await send(PROTOBUF, ENCODED, "/protobuf");
    await send(PROTOBUF, gzipSync(ENCODED), "/protobuf", { "content-encoding": "gzip" });
    const span = {
      traceId: "01".repeat(16),
      spanId: "02".repeat(8),
      parentSpanId: "",
      name: "n",
      kind: "client",
      startNs: 1n,
      endNs: 2n,
      status: "unset",
      resource: { a: "b" },
      scope: { name: "s", version: "" },
    };
    expect(receiver.spans("/protobuf")).toMatchObject([span, span]);
  });

  it("fails as it is asked to", async () => {
    await receiver.answerNext({ status: 429, headers: { "retry-after": "3" } });
    await receiver.answerNext({ rejected: 1 });
    const limited = await send(JSON_TYPE, json(SPAN), "/failing");
    expect([limited.status, limited.headers["retry-after"]]).toEqual([429, "3"]);
    const second = { ...SPAN, name: "second" };
    const partial = await send(JSON_TYPE, json(SPAN, second), "/failing");
    expect(JSON.parse(partial.body)).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
    await receiver.answerNext({ status: 0 });
    await expect(send(JSON_TYPE, json(SPAN), "/failing")).rejects.toThrow("socket hang up");
    await receiver.caughtUp();
    const requests = receiver.requests.filter(({ path }) => path === "/failing");
    expect(requests.map(({ status, spans, accepted }) => [status, spans.length, accepted.length])).toEqual([
      [429, 1, 0],
      [200, 2, 1],
      [0, 1, 0],
    ]);
    expect(receiver.spans("/failing").map(({ name }) => name)).toEqual(["second"]);
  });

  it("is down and comes up again", async () => {
    await receiver.goDown();
    await expect(send(JSON_TYPE, json(SPAN), "/up")).rejects.toThrow("ECONNREFUSED");
    await receiver.comeUp();
    expect((await send(JSON_TYPE, json(SPAN), "/up")).status).toBe(200);
    expect(receiver.spans("/up")).toHaveLength(1);
  });

  it.each([
    ["an id in base64", JSON_TYPE, json({ ...SPAN, spanId: "7uGbfsPBsXQ=" })],
    ["an id of zeros", JSON_TYPE, json({ ...SPAN, spanId: "0".repeat(16) })],
    ["a time as a number", JSON_TYPE, json({ ...SPAN, startTimeUnixNano: 1 })],
    ["a kind by name", JSON_TYPE, json({ ...SPAN, kind: "SPAN_KIND_SERVER" })],
    ["an unknown field", JSON_TYPE, json({ ...SPAN, nonsense: 1 })],
    ["an end before the start", JSON_TYPE, json({ ...SPAN, endTimeUnixNano: "1" })],
    ["an attribute twice", JSON_TYPE, json({ ...SPAN, attributes: [SPAN.attributes[0], SPAN.attributes[0]] })],
    ["an attribute without a value", JSON_TYPE, json({ ...SPAN, attributes: [{ key: "a", value: {} }] })],
    ["protobuf that is cut", PROTOBUF, ENCODED.subarray(0, -1)],
    ["an unknown field of protobuf", PROTOBUF, Buffer.concat([ENCODED, Buffer.from("7801", "hex")])],
    ["another type", "text/plain", json(SPAN)],
  ])("refuses %s", async (_, type, body) => {
    const before = receiver.invalid.length;
    expect((await send(type, body, "/bad")).status).toBe(400);
    expect(receiver.invalid).toHaveLength(before + 1);
    expect(() => receiver.spans()).toThrow("invalid requests");
  });
});

/** A field of protobuf of fewer than 128 bytes. */
function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value]);
}

function json(...spans: object[]): Buffer {
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "orders" } }] };
  const scopeSpans = [{ scope: { name: "mcp", version: "1" }, spans }];
  return Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }));
}

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

function send(type: string, body: Buffer, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { host, port } = receiver;
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method: "POST", headers: { "content-type": type, ...headers } });
    sent.once("error", reject).once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        const answer = { status: response.statusCode!, headers: response.headers, body: text };
        receiver.caughtUp().then(() => resolve(answer), reject);
      });
    });
    // In chunks, without a content-length.
    sent.write(body.subarray(0, 5));
    sent.end(body.subarray(5));
  });
}
