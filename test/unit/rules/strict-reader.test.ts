import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cut, chunkSizes, halves, single } from "../chunks.ts";
import { gaps, type Node, nodes, spelled, write } from "../json/documents.ts";
import { itHolds } from "../property.ts";
import { memorySize, readStrictly, type StrictReading } from "./strict.ts";

/** Reads a body in one piece, and sees to it that its pieces make no difference. */
function read(body: string | Uint8Array): StrictReading {
  const bytes = Buffer.from(body);
  const whole = readStrictly([bytes]);
  for (const parts of halves(bytes)) expect(readStrictly(parts)).toEqual(whole);
  expect(readStrictly(single(bytes))).toEqual(whole);
  return whole;
}

const call = (members: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call",${members}}`;
const params = (members: string) => call(`"params":{${members}}`);
const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("a message is read", () => {
  it("with its deciding members, whatever else is in it", () => {
    const other = '"x":[{"name":1,"name":2}],"Méthod":0,"":null,"arguments":{"Name":{"path":1,"path":2}}';
    const { messages, fault, isBatch } = read(
      ` { "other" : {"method":1,"method":2} , "jsonrpc":"2.0","id":"\\u0061b","method":"tools\\/call",` +
        `"params":{"name":"rm","uri":null,"taskId":["a"],"ref":{"type":"ref/prompt","name":"p","uri":"u","x":1},` +
        `"_meta":{"io.modelcontextprotocol/protocolVersion":"v","io.modelcontextprotocol/clientInfo":{"name":"c"}},` +
        `"clientInfo":{"name":"i","version":"1"},"protocolVersion":"w","inputResponses":{"a":1},${other}}} \r\n\t`,
    );
    expect(fault).toBe("");
    expect(isBatch).toBe(false);
    expect(messages).toEqual([
      {
        form: "request",
        members: {
          ...{ jsonrpc: "2.0", id: "ab", method: "tools/call", params: "ObjectStart", name: "rm", uri: "Null" },
          ...{ taskId: "ArrayStart", ref: "ObjectStart", "ref.type": "ref/prompt", "ref.name": "p", "ref.uri": "u" },
          ...{ _meta: "ObjectStart", "meta.version": "v", "meta.client": "ObjectStart", "meta.client.name": "c" },
          ...{ clientInfo: "ObjectStart", "clientInfo.name": "i", protocolVersion: "w" },
          ...{ inputResponses: "ObjectStart", arguments: "ObjectStart" },
        },
      },
    ]);
  });

  it("with its trace context, which decides nothing: no form of it is refused", () => {
    const meta = (members: string) => read(params(`"_meta":{${members}}`));
    const member = (members: string) => meta(members).messages[0].members["meta.traceparent"];
    expect(member('"traceparent":"00-a-b-01"')).toBe("00-a-b-01");
    expect(member('"traceparent":"one","traceparent":"two"')).toBe("one");
    expect(member('"Traceparent":"one"')).toBeUndefined();
    for (const value of ['"\\u0000"', '"\\ud800"', "1", "null", '{"a":[1]}', `"${"x".repeat(300)}"`]) {
      expect(meta(`"traceparent":${value},"\\u0074raceparent":2`).fault).toBe("");
    }
  });

  it("with the arguments that are named", () => {
    const { messages } = read(params('"arguments":{"to":{"Sink":-12,"kind":true,"x":0},"path":"/a","y":1}'));
    expect(messages[0].members).toMatchObject({ path: "/a", to: "ObjectStart", "to.Sink": "-12", "to.kind": "True" });
    const other = read(params('"arguments":{"to":[{"Sink":1}],"path":{"path":"x"}}')).messages[0].members;
    expect(other).toMatchObject({ to: "ArrayStart", path: "ObjectStart" });
    expect(other).not.toHaveProperty("to.Sink");
  });

  it.each([
    ['{"id":1,"method":"a"}', "request"],
    ['{"id":"","method":"a"}', "request"],
    ['{"method":"a"}', "notification"],
    ['{"id":1,"result":{}}', "response"],
    ['{"id":"x","error":null}', "response"],
    ['{"id":1,"result":1,"error":null}', "response"],
  ])("%s is a %s", (body, form) => {
    expect(read(body)).toMatchObject({ fault: "", messages: [{ form }] });
  });

  it("of a batch: each", () => {
    const { messages, isBatch, fault } = read('[{"id":1,"method":"a"},{"method":"b"} , {"id":2,"result":1}]');
    expect({ isBatch, fault }).toEqual({ isBatch: true, fault: "" });
    expect(messages.map(({ form, members }) => [form, members.method ?? ""])).toEqual([
      ["request", "a"],
      ["notification", "b"],
      ["response", ""],
    ]);
    const batch = (count: number) => `[${Array<string>(count).fill('{"method":"a"}').join(",")}]`;
    expect(readStrictly([Buffer.from(batch(128))])).toMatchObject({ fault: "", messages: { length: 128 } });
    expect(readStrictly([Buffer.from(batch(129))]).fault).toBe("bad_batch");
  });

  it("with texts of 256 bytes; of longer ones the beginning and the length", () => {
    const { messages } = readStrictly([Buffer.from(params(`"name":"${"n".repeat(300)}","uri":"${"u".repeat(256)}"`))]);
    expect(messages[0].members).toMatchObject({
      name: `${"n".repeat(40)}… 256 of 300`,
      uri: `${"u".repeat(40)}… 256 of 256`,
    });
  });

  it("nested as deep as 512", () => {
    expect(readStrictly([Buffer.from(params(`"x":${deep(510)}`))]).fault).toBe("");
    expect(readStrictly([Buffer.from(params(`"x":${deep(511)}`))]).fault).toBe("too_deep");
  });
});

/** Ways to write `k` and `s` that some parsers take for the same: U+212A and U+017F. */
const KELVIN = "\u212a";
const LONG_S = "\u017f";

describe("what parsers could read differently is refused", () => {
  it.each([
    ["", "not_json"],
    [" ", "not_json"],
    ["{", "not_json"],
    ['{"method":"a"', "not_json"],
    ['{"method":"a"}}', "not_json"],
    ['{"method":"a"} {"method":"b"}', "not_json"],
    ['{"method":"a"}x', "not_json"],
    ['{"method":"a"}\0', "not_json"],
    ['\ufeff{"method":"a"}', "not_json"],
    ['{"method":"a",}', "not_json"],
    ['{"method":"a"/**/}', "not_json"],
    ["{'method':'a'}", "not_json"],
    ['{method:"a"}', "not_json"],
    ['{"method":"a","x":NaN}', "not_json"],
    ['{"method":"a","x":-Infinity}', "not_json"],
    ['{"method":"a","x":01}', "not_json"],
    ['{"method":"a","x":+1}', "not_json"],
    ['{"method":"a","x":.5}', "not_json"],
    ['{"method":"a","x":0x10}', "not_json"],
    ['{"method":"a\n"}', "not_json"],
    ['{"method":"a","x":"\\v"}', "not_json"],
    ['{"method":"a"\u00a0}', "not_json"],
    ['[{"method":"a"}', "not_json"],
    ["null", "no_message"],
    ['"a"', "no_message"],
    ["{}", "no_message"],
    ['{"id":1}', "no_message"],
    ['{"result":1}', "no_message"],
    ['{"id":1,"method":1}', "no_message"],
    ['{"id":1,"method":null}', "no_message"],
    ['{"id":1,"method":"a","result":1}', "no_message"],
    ['{"id":1,"method":"a","error":1}', "no_message"],
    ["[]", "bad_batch"],
    ["[1]", "bad_batch"],
    ['[[{"method":"a"}]]', "bad_batch"],
    ['[{"method":"a"},null]', "bad_batch"],
    ['[{"method":"a"},{}]', "no_message"],
    // Some servers answer it, some take it for a notification; both execute it.
    ['{"method":"a","id":null}', "bad_id"],
    ['{"id":null,"method":"a"}', "bad_id"],
    ['{"id":null,"result":1}', "bad_id"],
    ['{"error":{},"id":null}', "bad_id"],
    // Some servers read a request, some a response.
    ['{"id":1,"method":"a","result":null}', "no_message"],
    ['{"id":1,"result":null,"method":"a"}', "no_message"],
    ['{"method":"a","result":null}', "no_message"],
    ['{"result":null,"method":"a"}', "no_message"],
    ['{"id":1,"method":"a","error":null}', "no_message"],
    ['{"id":1,"error":null,"method":"a"}', "no_message"],
    ['{"id":1,"method":null,"result":1}', "no_message"],
    ['{"id":1,"result":1,"method":null}', "no_message"],
    ['{"method":"a","id":1.0}', "bad_id"],
    ['{"method":"a","id":1e2}', "bad_id"],
    ['{"method":"a","id":true}', "bad_id"],
    ['{"method":"a","id":{}}', "bad_id"],
    ['{"method":"a","id":[1]}', "bad_id"],
    [`{"method":"a","id":"${"i".repeat(257)}"}`, "bad_id"],
    [`{"method":"a","id":${"1".repeat(257)}}`, "bad_id"],
    ['{"method":"a","method":"a"}', "duplicate_key"],
    ['{"method":"a","params":{},"params":{}}', "duplicate_key"],
    [params('"name":"a","name":"b"'), "duplicate_key"],
    [params('"ref":{"uri":"a","uri":"b"}'), "duplicate_key"],
    [params('"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"a","name":"b"}}'), "duplicate_key"],
    [params('"arguments":{"path":1,"path":1}'), "duplicate_key"],
    [params('"arguments":{"to":{"Sink":1,"Sink":1}}'), "duplicate_key"],
    [params('"arguments":{"to":1},"arguments":{"to":1}'), "duplicate_key"],
    ['{"Method":"a"}', "case_variant_key"],
    ['{"method":"a","METHOD":"b"}', "case_variant_key"],
    ['{"method":"a","jsonRPC":"2.0"}', "case_variant_key"],
    [`{"method":"a","param${LONG_S}":{}}`, "case_variant_key"],
    [`{"id":1,"re${LONG_S}ult":{}}`, "case_variant_key"],
    [params(`"ta${LONG_S}${KELVIN}Id":"t"`), "case_variant_key"],
    [params(`"ta${LONG_S}kid":"t"`), "case_variant_key"],
    [params(`"argument${LONG_S}":{}`), "case_variant_key"],
    [params('"Name":"a"'), "case_variant_key"],
    [params('"clientInfo":{"NAME":"a"}'), "case_variant_key"],
    [params('"arguments":{"PATH":1}'), "case_variant_key"],
    [params('"arguments":{"to":{"sink":1}}'), "case_variant_key"],
    [params(`"arguments":{"to":{"Sin${KELVIN}":1}}`), "case_variant_key"],
    [params(`"arguments":{"to":{"${KELVIN}ind":1}}`), "case_variant_key"],
    ['{"\\u006dethod":"a"}', "escaped_key"],
    ['{"\\u006Dethod":"a","method":"b"}', "escaped_key"],
    [params('"\\u006eame":"a"'), "escaped_key"],
    [params('"arguments":{"p\\u0061th":"a"}'), "escaped_key"],
    [params('"_meta":{"io.modelcontextprotocol\\/protocolVersion":"v"}'), "escaped_key"],
    [params('"\\u004eame":"a"'), "case_variant_key"],
    ['{"method":"a\\ud800"}', "bad_text"],
    ['{"method":"\\udc00"}', "bad_text"],
    ['{"method":"a\\u0000"}', "bad_text"],
    [`{"method":"${"m".repeat(257)}"}`, "bad_text"],
    [params('"name":"a\\u0000b"'), "bad_text"],
    [params('"name\\u0000":"a"'), "bad_text"],
    [params('"name\\ud800":"a"'), "bad_text"],
    ['{"method":"a","id":"\\ud83d"}', "bad_text"],
  ])("%s: %s", (body, fault) => {
    expect(read(body).fault).toBe(fault);
  });

  it.each([
    ["an overlong slash", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["more than Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ["a byte alone", [0xff]],
    ["a continuation alone", [0x80]],
    ["a sequence that is not whole", [0xe2, 0x82]],
  ])("bytes that are no UTF-8, wherever they are: %s", (_, bytes) => {
    for (const body of ['{"method":"?"}', '{"method":"a","?":1}', '{"method":"a","x":["?"]}', '{"method":"a"}?']) {
      const [before, behind] = body.split("?").map((part) => Buffer.from(part));
      const broken = Buffer.concat([before, Buffer.from(bytes), behind]);
      // Where they end the body, or what is before them is read first, it is as well no JSON.
      const reasons = new Set(
        [[broken], ...halves(broken), single(broken)].map((chunks) => readStrictly(chunks).fault),
      );
      reasons.delete("not_utf8");
      if (behind.length === 0) reasons.delete("not_json");
      expect([...reasons]).toEqual([]);
    }
  });

  it("and nothing else: these could not be mistaken", () => {
    for (const body of [
      call('"Other":1,"Other":1'),
      call('"m\\u00e9thod":1'),
      call('"metho":1,"methods":2,"method ":3'),
      params('"title":"\\ud800","x":{"Name":1,"name":2}'),
      params(`"${"n".repeat(300)}":1,"nam":1,"${LONG_S}name":1`),
      params(`"arguments":{"to":{"kin":1,"${KELVIN}":1,"\u212b":1}}`),
      call('"id2":1.5,"x":1e999,"y":123456789012345678901234567890'),
    ]) {
      expect(read(body).fault, body).toBe("");
    }
  });

  it("once something is refused, whatever follows", () => {
    const body = '{"Method":"a"} and not even JSON \xff';
    expect(readStrictly([Buffer.from(body, "latin1")]).messages).toEqual([]);
    // Bytes are looked at as UTF-8 as they come: either reason holds.
    expect(["case_variant_key", "not_utf8"]).toContain(readStrictly(single(Buffer.from(body, "latin1"))).fault);
  });

  it("deciding texts that have no room are cut, as long ones are", () => {
    const long = "v".repeat(256);
    const all = (names: string[]) => names.map((name) => `"${name}":"${long}"`).join(",");
    const most = `"arguments":{${all(["path", "more", "most"])},"to":{${all(["Sink", "kind"])}}}`;
    const others = `"clientInfo":{${all(["name"])}},"_meta":{${all(["io.modelcontextprotocol/protocolVersion"])}}`;
    const ref = `"ref":{${all(["type", "name", "uri"])}}`;
    const texts = `"params":{${most},${others},${ref},${all(["protocolVersion", "taskId", "name", "uri"])}}`;
    // With these two, 16 texts fill the 4 KiB.
    const [id, method, jsonrpc] = ["id", "method", "jsonrpc"].map((name) => all([name]));
    const uri = (...members: string[]) => {
      const { messages, fault } = readStrictly([Buffer.from(`{${members.join(",")}}`)]);
      return fault || messages[0].members.uri;
    };
    expect(uri(id, method, texts)).toBe(`${"v".repeat(40)}… 256 of 256`);
    expect(uri(id, method, jsonrpc, texts)).toBe("… 0 of 256");
    expect(uri(texts, jsonrpc, id, method)).toBe("bad_text");
    expect(uri(texts, jsonrpc, method, id)).toBe("bad_id");
  });
});

describe("every body", () => {
  const keys = [
    ...["jsonrpc", "method", "id", "params", "result", "error", "name", "uri", "ref", "taskId", "_meta", "arguments"],
    ...["clientInfo", "inputResponses", "path", "to", "Sink", "kind", "Method", "x", `${KELVIN}ind`],
  ];
  /** The members as JavaScript has them, where nothing is ambiguous. */
  const expected = (body: string) => {
    const { method, id } = JSON.parse(body) as { method?: string; id?: string | number };
    return { method, id: id?.toString() };
  };

  itHolds(
    "is read the same in whatever chunks it comes, and as JSON.parse reads it",
    5000,
    fc.property(
      nodes(fc.constantFrom(...keys).chain(spelled)),
      fc.array(fc.tuple(fc.constantFrom(...keys), fc.constantFrom("1", '"a"', "null", "{}", '{"name":"n"}', "[1]")), {
        maxLength: 5,
      }),
      gaps,
      chunkSizes,
      (node: Node, members, gaps, sizes) => {
        for (const body of [write(node, gaps), `{${members.map(([key, json]) => `"${key}":${json}`).join(",")}}`]) {
          const bytes = Buffer.from(body);
          const whole = readStrictly([bytes]);
          const { messages, fault } = readStrictly(cut(bytes, sizes));
          assert.equal(fault === "", whole.fault === "");
          // Bytes that are not UTF-8 are found as soon as their chunk arrives, before other faults in the same chunk.
          if (whole.fault !== "not_utf8")
            assert.deepEqual(
              { messages, fault },
              {
                messages: whole.messages,
                fault: whole.fault,
              },
            );
          if (fault === "" && !whole.isBatch) {
            const { method, id } = messages[0].members;
            if (method !== undefined && method.length < 40) assert.deepEqual({ method, id }, expected(body));
          }
        }
      },
    ),
  );

  it("is read in memory that does not grow", () => {
    const bodies = [params('"name":"a"'), '{"method":"a"', "[{}]", '{"method":"a"} x'].map((body) => Buffer.from(body));
    const all = () => bodies.forEach((body) => readStrictly([body]));
    all();
    const before = memorySize();
    for (let i = 0; i < 20_000; i++) all();
    expect(memorySize()).toBe(before);
  });
});
