import { describe, expect, it } from "vitest";

import { halves, single } from "../chunks.ts";
import { type Batch, type Envelope, NO_CODE, idOf, locateMessages, readBatch, readEnvelope } from "./reader.ts";

/** The result of `reading`, which must not depend on chunk boundaries. */
function inAnyCut<T>(reading: (chunks: Uint8Array[]) => T, json: string): T {
  const bytes = Buffer.from(json);
  const whole = reading([bytes]);
  expect(reading(single(bytes)), "byte by byte").toEqual(whole);
  for (const chunks of halves(bytes)) expect(reading(chunks), `cut at ${chunks[0].length}`).toEqual(whole);
  return whole;
}

const read = (json: string): Envelope => inAnyCut(readEnvelope, json);
const readAll = (json: string): Batch => inAnyCut(readBatch, json);

describe("a message", () => {
  it.each([
    ['{"jsonrpc":"2.0","id":1,"method":"a"}', "Request", "1"],
    ['{"id":"x","params":{},"method":"a","jsonrpc":"2.0"}', "Request", '"x"'],
    [String.raw`{"\u006dethod":"a","i\u0064":2,"jsonrp\u0063":"2\u002e0"}`, "Request", "2"],
    ['{"jsonrpc":"2.0","method":"a","id":null}', "Request", "null"],
    ['{"jsonrpc":"2.0","method":"a","id":1,"id":"1"}', "Request", '"1"'],
    ['{"jsonrpc":"2.0","method":"a","id":{},"id":1}', "Request", "1"],
    ['{"jsonrpc":"2.0","method":1,"method":"a","id":1}', "Request", "1"],
    ['{"jsonrpc":"2.0","method":"a"}', "Notification", undefined],
    ['{"jsonrpc":"2.0","method":""}', "Notification", undefined],
    ['{"jsonrpc":"2.0","method":"a","result":{}}', "Notification", undefined],
    ['{"jsonrpc":"2.0","params":{"id":1,"method":"b"},"method":"a"}', "Notification", undefined],
    ['{"jsonrpc":"2.0","id":1,"result":{}}', "Response", "1"],
    ['{"jsonrpc":"2.0","id":1,"result":null}', "Response", "1"],
    ['{"result":[{"jsonrpc":"1.0"}],"id":1,"jsonrpc":"2.0"}', "Response", "1"],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":-32600}}', "Response", "1"],
    ['{"jsonrpc":"2.0","id":null,"error":{}}', "Response", "null"],
    ['{"jsonrpc":"2.0","error":{"code":1}}', "Response", undefined],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":null}', "Response", "1"],
  ])("%s is a %s", (json, kind, id) => {
    const padded = ` \n${json}\r\n`;
    expect(read(padded)).toMatchObject({
      kind,
      fault: "None",
      id: id === undefined ? "Absent" : idOf(id),
      size: Buffer.byteLength(json),
    });
  });

  it("has its methods and payload reported as they arrive", () => {
    expect(read('{"jsonrpc":"2.0","method":"a","params":{"name":"n","x":"y"},"method":"b","id":1}').texts).toEqual([
      "Method a",
      "Payload n",
      "Method b",
    ]);
  });

  it.each([
    ["-32600", -32600],
    ["0", 0],
    ["-0", 0],
    ["999999999", 999999999],
    ["-999999999", -999999999],
    ["2147483647", 2147483647],
    ["-32602.0", -32602],
    ["-3.2602e4", -32602],
    ["-326020000e-4", -32602],
    ["-32e3", -32000],
    ["0e99", 0],
    // Not a 32-bit integer.
    ["2147483648", NO_CODE],
    ["1e10", NO_CODE],
    ["1e999999999", NO_CODE],
    ["1e9999999999", NO_CODE],
    ["18446744073709518950", NO_CODE],
    [`-32602.${"0".repeat(300)}`, NO_CODE],
    ["1.5", NO_CODE],
    ["-32602.5", NO_CODE],
    ["1e-1", NO_CODE],
    ['"-32600"', NO_CODE],
    ["null", NO_CODE],
    ["{}", NO_CODE],
  ])("has the error code %s as %i", (code, errorCode) => {
    expect(read(`{"jsonrpc":"2.0","id":1,"error":{"message":"m","code":${code}}}`)).toMatchObject({
      kind: "Response",
      isError: true,
      errorCode,
    });
  });

  it("has the last of several errors", () => {
    const error = (members: string): Envelope => read(`{"jsonrpc":"2.0","id":1,"result":1,${members}}`);
    expect(error('"error":{"code":1},"error":{"code":2}')).toMatchObject({ isError: true, errorCode: 2 });
    expect(error('"error":{"code":1,"code":"x"}')).toMatchObject({ isError: true, errorCode: NO_CODE });
    expect(error('"error":{"code":1},"error":{}')).toMatchObject({ isError: true, errorCode: NO_CODE });
    expect(error('"error":{"code":1},"error":null')).toMatchObject({ isError: false, errorCode: NO_CODE });
    expect(error('"error":[{"code":1}]')).toMatchObject({ isError: false, errorCode: NO_CODE });
  });
});

describe("the offsets of a message", () => {
  const messages = ['{"jsonrpc":"2.0","id":1,"method":"a"}', '{"jsonrpc":"2.0","id":"é","result":{"x":[{}]}}'];

  it("are those of its braces, with anything around it", () => {
    const text = ` \n${messages[1]}\t`;
    const spans = inAnyCut(locateMessages, text);
    expect(spans.map(({ start, end }) => Buffer.from(text).subarray(start, end).toString())).toEqual([messages[1]]);
  });

  it("are its own in a batch, also next to elements that are not messages", () => {
    const text = ` [${messages[1]} , 7,[{}], ${messages[0]},${messages[1]}]`;
    const written = inAnyCut(locateMessages, text).map(({ start, end }) =>
      Buffer.from(text).subarray(start, end).toString(),
    );
    expect(written).toEqual([messages[1], messages[0], messages[1]]);
  });
});

describe("an input that is not a message", () => {
  it.each([
    "{}",
    "1",
    '"a"',
    "null ",
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":1}',
    '{"id":1,"method":"a"}',
    '{"jsonrpc":2.0,"id":1,"method":"a"}',
    '{"jsonrpc":"2.1","id":1,"method":"a"}',
    '{"jsonrpc":"2.00","id":1,"method":"a"}',
    '{"jsonrpc":["2.0"],"id":1,"method":"a"}',
    '{"Jsonrpc":"2.0","id":1,"method":"a"}',
    '{"jsonrpc":"2.0","id":1,"method":1}',
    '{"jsonrpc":"2.0","id":1,"method":null,"result":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","method":{}}',
    '{"jsonrpc":"2.0","id":true,"method":"a"}',
    '{"jsonrpc":"2.0","id":{},"result":{}}',
    '{"jsonrpc":"2.0","result":{}}',
    '{"jsonrpc":"2.0","id":1,"error":null}',
    '{"jsonrpc":"2.0","id":1,"error":"failed"}',
    '{"jsonrpc":"2.0","jsonrpc":"1.0","id":1,"method":"a"}',
    '{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"method":"a"}',
  ])("%s is other JSON", (json) => {
    expect(read(json)).toMatchObject({ kind: "None", fault: "NotJsonRpc" });
  });

  it.each(["x", "{]", '{"jsonrpc":"2.0","id":1,"method":"a"}}', '{"id":01}', '{"a":"\n"}'])(
    "%j is not JSON",
    (json) => {
      expect(read(json)).toMatchObject({ kind: "None", fault: "Syntax" });
    },
  );

  it("is one that ends too early, at any byte", () => {
    const bytes = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"\\u00e9","x":[1.5e3,true]}}');
    for (let end = 0; end < bytes.length; end++) {
      expect(readEnvelope([bytes.subarray(0, end)])).toMatchObject({ kind: "None", fault: "Truncated" });
    }
  });

  it("is one nested too deep", () => {
    expect(read(`{"jsonrpc":"2.0","id":1,"method":"a","params":${"[".repeat(512)}`)).toMatchObject({
      kind: "None",
      fault: "Depth",
    });
  });

  it("has a fault at the first member that contradicts, before the rest is read", () => {
    expect(readEnvelope(['{"jsonrpc":"1.0",', '"method":"a"', "]]]"].map((text) => Buffer.from(text)))).toMatchObject({
      kind: "None",
      fault: "NotJsonRpc",
      texts: [],
    });
  });
});

describe("a batch", () => {
  const request = '{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"n"}}';
  const notification = '{"method":"é","jsonrpc":"2.0"}';
  const response = '{"jsonrpc":"2.0","id":"x","error":{"code":-32600}}';

  it.each(["", " \n"])("has each of its messages as if it were alone, with %j around them", (gap) => {
    const all = [request, notification, response, '{"jsonrpc":"2.0","id":null,"result":[[]]}'];
    const json = `${gap}[${all.map((each) => `${gap}${each}${gap}`).join(",")}]${gap}`;
    expect(readAll(json)).toEqual({ messages: all.map(read), fault: "None" });
    expect(readAll(json).messages.map(({ size }) => size)).toEqual(all.map((each) => Buffer.byteLength(each)));
  });

  it.each([
    ...["1", '"a"', "null", "true", "-1.5e3", "{}", "[]", `[${request}]`, "[[{}]]"],
    '{"jsonrpc":"1.0","id":7,"method":"b","params":{"name":"m"}}',
    '{"jsonrpc":"2.0","id":{},"method":"b"}',
    '{"jsonrpc":"2.0","id":1,"method":1}',
    '{"jsonrpc":"2.0","result":{}}',
    '{"method":"b","params":{"name":"m"},"id":1}',
  ])("continues after %s, which is not a message", (json) => {
    const { messages, fault } = readAll(`[${json},${request},${json} ,${notification},\t${json}]`);
    expect(messages.map(({ kind }) => kind)).toEqual(["None", "Request", "None", "Notification", "None"]);
    expect(messages.map(({ fault }) => fault)).toEqual(["NotJsonRpc", "None", "NotJsonRpc", "None", "NotJsonRpc"]);
    expect([messages[1], messages[3]]).toEqual([read(request), read(notification)]);
    expect(fault).toBe("None");
  });

  it("without any message has a fault", () => {
    expect(readAll("[]")).toEqual({ messages: [], fault: "NotJsonRpc" });
    expect(readAll("\n[ ]\n")).toEqual({ messages: [], fault: "NotJsonRpc" });
  });

  it("has all messages before an early end, at any byte", () => {
    const bytes = Buffer.from(`[${request}, ${response} ,${notification}]`);
    const messages = [request, response, notification].map(read);
    const ends = [request, response, notification].map((each) => bytes.indexOf(each) + Buffer.byteLength(each));
    for (let end = 1; end < bytes.length; end++) {
      const whole = messages.filter((_, i) => ends[i] <= end);
      expect(readBatch([bytes.subarray(0, end)]), `cut off at ${end}`).toEqual({
        messages: whole,
        fault: "Truncated",
      });
    }
  });

  it.each([
    ["Syntax", "x"],
    ["Syntax", "]"],
    ["Syntax", `${request}}`],
    ["Syntax", `${request}]]`],
    ["Syntax", `${request} ${request}]`],
    ["Syntax", '{"jsonrpc":"1.0","a":tru}]'],
    ["Depth", `{"jsonrpc":"2.0","params":${"[".repeat(512)}`],
  ])("has what came before a fault: %s of %s", (fault, rest) => {
    const before = rest.startsWith(request) ? [request, request] : [request];
    expect(readAll(`[${request},${rest}`)).toEqual({ messages: before.map(read), fault });
  });
});
