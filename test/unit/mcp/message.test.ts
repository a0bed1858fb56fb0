import { describe, expect, it } from "vitest";

import { cut, halves, single } from "../chunks.ts";
import { idOf } from "../jsonrpc/reader.ts";
import { type Message, type Faulty, memorySize, readMessages } from "./reader.ts";

/** The messages of a body, which must be the same however it is cut. */
function read(body: string, isEventStream = false): (Message | Faulty)[] {
  const bytes = Buffer.from(body);
  const whole = readMessages(isEventStream, [bytes]);
  expect(readMessages(isEventStream, single(bytes)), "byte by byte").toEqual(whole);
  for (const chunks of halves(bytes)) {
    expect(readMessages(isEventStream, chunks), `cut at ${chunks[0].length}`).toEqual(whole);
  }
  return whole;
}

function response(member: string): string {
  return `{"jsonrpc":"2.0","id":1,${member}}`;
}

function request(method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
}

describe("a response ends its operation", () => {
  it.each([
    ['"result":{}', "ok"],
    ['"result":null', "ok"],
    ['"result":{"content":[{"isError":true}],"structuredContent":{"isError":true,"resultType":"task"}}', "ok"],
    ['"result":{"isError":false}', "ok"],
    ['"result":{"isError":"true"}', "ok"],
    ['"result":{"isError":true}', "tool_error"],
    ['"result":{"content":[{"type":"text","text":"}"}],"isError":true}', "tool_error"],
    ['"result":{"isError":true,"isError":false}', "ok"],
    ['"result":{"isError":true},"result":{}', "ok"],
    ['"result":{"resultType":"complete"}', "ok"],
    ['"result":{"resultType":"unheard_of"}', "ok"],
    ['"result":{"resultType":"input_required"}', "input_required"],
    ['"result":{"resultType":"task","taskId":"t"}', "task_accepted"],
    ['"result":{"task":{"taskId":"t"}}', "task_accepted"],
    ['"result":{"task":"t"}', "ok"],
    ['"result":{"resultType":"input_required","isError":true}', "tool_error"],
    ['"error":{"code":-32602,"message":"m"}', "rpc_error"],
    ['"error":{"code":-32602,"message":"m"},"result":{}', "rpc_error"],
    ['"error":null,"result":{}', "ok"],
  ])("%s: %s", (member, outcome) => {
    expect(read(response(member))).toMatchObject([{ kind: "Response", outcome }]);
  });

  it.each([
    ['{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}', true],
    ['{"jsonrpc":"2.0","error":{"code":-32700}}', true],
    ['{"jsonrpc":"2.0","id":"","error":{"code":-32700}}', false],
    ['{"jsonrpc":"2.0","id":null,"result":{}}', false],
  ])("%s names no request: %s", (json, answersUnknown) => {
    expect(read(json)).toMatchObject([{ kind: "Response", answersUnknown }]);
  });
});

describe("a request names its target", () => {
  it.each([
    ['{"name":"echo","arguments":{"name":"inner"}}', "echo"],
    ['{"arguments":{"params":{"name":"inner"}},"name":"echo"}', "echo"],
    [String.raw`{"n\u0061me":"\u0065ch\u00f3"}`, "echó"],
    ['{"name":"a","name":"b"}', "b"],
    ['{"name":"a","name":1}', ""],
    ['{"name":["a"]}', ""],
    ["{}", ""],
    ["[]", ""],
    [`{"name":"${"é".repeat(64)}"}`, "é".repeat(64)],
    [`{"name":"${"n".repeat(129)}"}`, ""],
  ])("%s", (params, name) => {
    expect(read(request("tools/call", params))).toMatchObject([{ kind: "Request", method: "tools/call", name }]);
  });

  it("by the parameters that stand last", () => {
    expect(read('{"params":{"name":"a"},"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}')).toMatchObject([
      { name: "" },
    ]);
  });

  it("anew in each message", () => {
    const all = [request("tools/call", '{"name":"a"}'), request("tools/call", "{}"), response('"result":{}')];
    const events = all.map((json) => `data: ${json}\n\n`).join("");
    expect(read(events, true)).toMatchObject([{ name: "a" }, { name: "" }, { name: "", method: "" }]);
  });
});

describe("a message tells", () => {
  it.each([
    ['{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}', "2026-07-28"],
    ['{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25"}}', "2025-11-25"],
    ['{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-280"}}', "_OTHER"],
    ['{"_meta":{"io.modelcontextprotocol/protocolVersion":20260728}}', "_OTHER"],
    ['{"_meta":{"protocolVersion":"2026-07-28"},"protocolVersion":"2026-07-28"}', "_OTHER"],
  ])("by %s the revision of a request: %s", (params, requestRevision) => {
    expect(read(request("tools/list", params))).toMatchObject([{ requestRevision, agreedRevision: "_OTHER" }]);
  });

  it.each([
    ['{"protocolVersion":"2025-06-18"}', "2025-06-18"],
    ['{"protocolVersion":"2024-11-05","protocolVersion":"2025-03-26"}', "2025-03-26"],
    ['{"protocolVersion":"1999-01-01"}', "_OTHER"],
    ['{"protocolVersion":null}', "_OTHER"],
    ['{"serverInfo":{"protocolVersion":"2025-06-18"}}', "_OTHER"],
  ])("by %s the revision agreed on: %s", (result, agreedRevision) => {
    expect(read(response(`"result":${result}`))).toMatchObject([{ agreedRevision, requestRevision: "_OTHER" }]);
  });

  it.each([
    ['{"clientInfo":{"name":"agent","version":"1"}}', "agent"],
    ['{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"agent"}}}', "agent"],
    [String.raw`{"clientInfo":{"name":"ag\u00e9nt"}}`, "agént"],
    [`{"clientInfo":{"name":"${"n".repeat(64)}"}}`, "n".repeat(64)],
    [`{"clientInfo":{"name":"${"n".repeat(65)}"}}`, ""],
    ['{"clientInfo":{"name":"a"},"clientInfo":{}}', ""],
    ['{"clientInfo":{"name":7}}', ""],
    ['{"name":"agent"}', ""],
  ])("by %s the client's software: %j", (params, clientName) => {
    expect(read(request("initialize", params))).toMatchObject([{ clientName }]);
  });

  it.each(["1", '"1"', "1.0", '"x y"'])("that the request %s is cancelled", (id) => {
    const json = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reason":"r","requestId":${id}}}`;
    expect(read(json)).toMatchObject([{ kind: "Notification", cancelled: idOf(id).split(" ")[1] }]);
  });

  it.each(["{}", "[1]", "true"])("of no cancellation by the id %s", (id) => {
    const json = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`;
    expect(read(json)).toMatchObject([{ cancelled: "" }]);
  });

  it("the names in a list as they come", () => {
    const tools =
      '[{"name":"a","inputSchema":{"properties":{"name":{"name":"x"}}}},{"title":"t","name":"b"},{"name":7},"c"]';
    expect(
      read(response(`"result":{"tools":${tools},"prompts":[{"name":"p"}],"resources":[{"name":"r"}]}`)),
    ).toMatchObject([{ listed: ["tool a", "tool b", "prompt p"] }]);
    const long = `[{"name":"${"n".repeat(129)}"},{"name":"${"n".repeat(128)}"}]`;
    expect(read(response(`"result":{"tools":${long}}`))).toMatchObject([{ listed: [`tool ${"n".repeat(128)}`] }]);
  });
});

describe("an event stream", () => {
  it("brings messages, whatever else it brings", () => {
    const ping = '{"jsonrpc":"2.0","id":"p","method":"ping"}';
    const body =
      `\ufeff: hello\n\nevent: endpoint\ndata: /messages\n\ndata:\n\nid: 1\ndata: ${ping}\n\n` +
      `event: message\r\ndata: {\r\ndata:"jsonrpc":"2.0","id":1,\r\ndata: "result":{}}\r\n\r\n` +
      `event: other\ndata: ${ping}\n\ndata: no JSON\n\ndata: ${ping}`;
    expect(read(body, true)).toMatchObject([
      { kind: "Request", method: "ping", id: idOf('"p"'), size: ping.length },
      { kind: "Response", outcome: "ok", size: '{\n"jsonrpc":"2.0","id":1,\n"result":{}}'.length },
      { fault: "Syntax" },
    ]);
  });

  it("with an unfinished message goes on with the next", () => {
    expect(read('data: {"jsonrpc":"2.0",\n\ndata: {"jsonrpc":"2.0","method":"ping","id":1}\n\n', true)).toMatchObject([
      { fault: "Truncated" },
      { kind: "Request", method: "ping" },
    ]);
  });
});

describe("a body without a message", () => {
  it.each(["", " ", "\r\n"])("%j has none", (body) => {
    expect(read(body)).toEqual([]);
  });
});

describe("a message of many megabytes", () => {
  it.each([false, true])("is read in flat memory; as an event stream: %s", (isEventStream) => {
    const text = JSON.stringify('text "{with}" escapes, and é\n').slice(1, -1);
    const block = Buffer.from(text.repeat(1500));
    const start = Buffer.from(`${isEventStream ? "data: " : ""}{"result":{"content":[{"type":"text","text":"`);
    const end = Buffer.from(`"}],"isError":true},"id":7,"jsonrpc":"2.0"}${isEventStream ? "\n\n" : ""}`);
    const content = Array.from({ length: 400 }, () => block);
    readMessages(isEventStream, [start, block, end]);
    const before = memorySize();
    const messages = readMessages(isEventStream, [start, ...content, end]);
    expect(memorySize()).toBe(before);
    expect(messages).toMatchObject([{ kind: "Response", outcome: "tool_error", id: idOf("7") }]);
  });

  it("in one event is the same however it is cut", () => {
    const text = JSON.stringify("0123456789é\n".repeat(170_000));
    const body = Buffer.from(
      `data: {"jsonrpc":"2.0","id":1,"result":{"content":[${text}],"resultType":"input_required"}}\n\n`,
    );
    const whole = readMessages(true, [body]);
    expect(whole).toMatchObject([{ outcome: "input_required", size: body.length - 8 }]);
    for (const size of [65_536, 16_384, 1447, 64]) expect(readMessages(true, cut(body, [size]))).toEqual(whole);
  });
});
