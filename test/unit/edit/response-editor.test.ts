import { describe, expect, it } from "vitest";

import { halves, single } from "../chunks.ts";
import { type Edited, type Editing, LISTS, REWRITTEN_REQUESTS, SERVER_REQUESTS, edit } from "./editor.ts";

/** What becomes of a response, which must be the same however it is cut. */
function edited(response: string, editing: Editing = {}): Edited {
  const bytes = Buffer.from(response);
  const whole = edit([bytes], editing);
  const { text, elements, unread } = whole;
  const expected = { text, elements, unread };
  expect(edit(single(bytes), editing), "byte by byte").toMatchObject(expected);
  for (const chunks of halves(bytes)) {
    expect(edit(chunks, editing), `cut at ${chunks[0].length}`).toMatchObject(expected);
  }
  return whole;
}

const answer = (result: string): string => `{"jsonrpc":"2.0","id":1,"result":${result}}`;
const event = (data: string): string => `event: message\nid: 3\ndata: ${data}\n\n`;

describe("a list", () => {
  const cases: [string, string, string][] = [
    ["nothing to remove", '{"tools":[{"name":"a"},{"name":"b"}]}', '{"tools":[{"name":"a"},{"name":"b"}]}'],
    ["the first", '{"tools":[{"name":"no"},{"name":"b"}]}', '{"tools":[{"name":"b"}]}'],
    ["the last", '{"tools":[{"name":"a"},{"name":"no"}]}', '{"tools":[{"name":"a"}]}'],
    ["one between", '{"tools":[{"name":"a"}, {"name":"no"} ,{"name":"c"}]}', '{"tools":[{"name":"a"}  ,{"name":"c"}]}'],
    ["all", '{"tools": [ {"name":"no"} , {"name":"no2"} ] }', '{"tools": [    ] }'],
    ["an empty one", '{"tools":[ ],"nextCursor":"x"}', '{"tools":[ ],"nextCursor":"x"}'],
    ["the name at the end", '{"tools":[{"x":[{"name":"a"}],"name":"no"}]}', '{"tools":[]}'],
    ["a name inside", '{"tools":[{"x":{"name":"no"},"name":"a"}]}', '{"tools":[{"x":{"name":"no"},"name":"a"}]}'],
    [
      "escapes",
      '{"\\u0074ools":[{"n\\u0061me":"\\u006eo"},{"name":"\\u0061"}]}',
      '{"\\u0074ools":[{"name":"\\u0061"}]}',
    ],
    ["two names", '{"tools":[{"name":"a","name":"b"},{"name":"a"}]}', '{"tools":[{"name":"a"}]}'],
    ["a name in another case", '{"Tools":[{"Name":"a"},{"name":"a"}]}', '{"Tools":[{"name":"a"}]}'],
    ["no objects", '{"tools":["a, b",[1,{"name":"a"}],2,{"name":"a"},true,null,-1.5e3]}', '{"tools":[{"name":"a"}]}'],
    [
      "two lists",
      '{"tools":[{"name":"no"}],"tools":[{"name":"no"},{"name":"a"}]}',
      '{"tools":[],"tools":[{"name":"a"}]}',
    ],
    ["prompts", '{"prompts":[{"name":"no"}]}', '{"prompts":[]}'],
    [
      "resources",
      '{"resources":[{"name":"a","uri":"no://"},{"name":"no","uri":"a"}]}',
      '{"resources":[{"name":"no","uri":"a"}]}',
    ],
    ["templates", '{"resourceTemplates":[{"uriTemplate":"no{x}"}]}', '{"resourceTemplates":[]}'],
    ["another member", '{"others":[{"name":"no"}]}', '{"others":[{"name":"no"}]}'],
    [
      "a list inside",
      '{"structuredContent":{"tools":[{"name":"no"}]}}',
      '{"structuredContent":{"tools":[{"name":"no"}]}}',
    ],
    [
      "the scope of caches",
      '{"cacheScope" : "public","tools":[],"ttlMs":5}',
      '{"cacheScope" : "private","tools":[],"ttlMs":5}',
    ],
    ["the scope behind", '{"tools":[],"cacheScope":"pub\\u006cic"}', '{"tools":[],"cacheScope":"private"}'],
    ["another scope", '{"tools":[],"cacheScope":"private"}', '{"tools":[],"cacheScope":"private"}'],
  ];
  it.each(cases)("%s", (_title, before, after) => {
    expect(edited(answer(before)).text).toBe(answer(after));
    const batch = `[${answer(before)}, ${answer(before)}]`;
    expect(edited(batch).text).toBe(`[${answer(after)}, ${answer(after)}]`);
    const stream = event(answer(before)) + ": ping\n\n" + event(answer(before));
    const expected = event(answer(after)) + ": ping\n\n" + event(answer(after));
    expect(edited(stream, { isEventStream: true }).text).toBe(expected);
    expect(edited(stream.replaceAll("\n", "\r\n"), { isEventStream: true }).text).toBe(
      expected.replaceAll("\n", "\r\n"),
    );
  });

  it("leaves bytes as they are that change nothing", () => {
    const list = answer('{"content":[{"text":"x"}],"prompts":[{"name":"no"}]}');
    expect(edited(list, { edited: 1, isAsked: false }).hasChanged).toBe(false);
    expect(edited(event(list), { edited: 1, isAsked: false, isEventStream: true }).hasChanged).toBe(false);
  });

  it("changes the scope of caches where other callers see less", () => {
    const list = answer('{"tools":[{"name":"no"}],"cacheScope":"public"}');
    const { text, elements } = edited(list, { withheld: 0 });
    expect(text).toBe(list.replace("public", "private"));
    expect(elements).toEqual([]);
  });

  it("is read without any change", () => {
    const list = answer('{"tools":[{"name":"no","x":[1, 2]},{"name":"b"}]}');
    for (const isEventStream of [false, true]) {
      const text = isEventStream ? event(list) : list;
      const read = edited(text, { edited: 0, watched: LISTS, isAsked: false, isEventStream });
      expect(read.hasChanged).toBe(false);
      expect(read.elements.map((element) => element.text)).toEqual(['{"name":"no","x":[1, 2]}', '{"name":"b"}']);
    }
  });

  it("hands over the text of each element", () => {
    const { elements } = edited(answer('{"tools":[ {"name":"a","b":"é"} , {"name":"no"}]}'));
    expect(elements).toEqual([
      { kind: 0, name: "a", isClear: true, text: '{"name":"a","b":"é"}' },
      { kind: 0, name: "no", isClear: true, text: '{"name":"no"}' },
    ]);
  });

  it("may be cut into lines of data", () => {
    const stream =
      'data: {"result":{"tools":[{"name":\ndata: "no"},{"name"\nid: 5\ndata: :"a"},\ndata:{"name":"no"}]}}\n\n';
    const expected = 'data: {"result":{"tools":[\ndata: {"name"\nid: 5\ndata: :"a"}\ndata:]}}\n\n';
    const { text, elements } = edited(stream, { isEventStream: true });
    expect(text).toBe(expected);
    expect(elements.map((element) => element.text)).toEqual(['{"name":\n"no"}', '{"name"\n:"a"}', '{"name":"no"}']);
  });

  it("loses what is larger than can be held, and what is not over", () => {
    const large = `{"name":"a","description":"${"x".repeat(70_000)}"}`;
    const list = answer(`{"tools":[{"name":"b"},${large},{"name":"c"},{"name":"d"`).slice(0, -1);
    for (const size of [100, 5000, 100_000]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < list.length; at += size) chunks.push(Buffer.from(list.slice(at, at + size)));
      const { text, elements } = edit(chunks);
      expect(text).toBe(answer('{"tools":[{"name":"b"},{"name":"c"}').slice(0, -1));
      expect(elements[1]).toEqual({ kind: 0, name: "a", isClear: true, text: undefined });
    }
  });
});

describe("what cannot be read", () => {
  it("is answered where a list was asked for", () => {
    for (const body of ["\x1f\x8b\x08 a", "no JSON", "\0{\0}", " <html>"]) {
      const { text, unread } = edited(body);
      expect(text).toBe('{"unread":true}');
      expect(unread).toBe(1);
    }
  });

  it("passes where none was asked for", () => {
    expect(edited("no JSON", { isAsked: false }).text).toBe("no JSON");
    expect(edited("data: [DONE]\n\ndata: x\n\n", { isEventStream: true }).text).toBe("data: [DONE]\n\ndata: x\n\n");
  });

  it("is cut within a list", () => {
    const { text, unread } = edited(answer('{"tools":[{"name":"a"},{"name":"b"},,{"name":"no"}]}'));
    expect(text).toBe('{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b"}');
    expect(unread).toBe(1);
  });

  it("may begin with a byte order mark", () => {
    const text = `\ufeff${answer('{"tools":[{"name":"no"}]}')}`;
    expect(edited(text).text).toBe(`\ufeff${answer('{"tools":[]}')}`);
  });
});

describe("bytes that are not JSON to this reader, but may be to others", () => {
  const deep = `${"[".repeat(600)}${"]".repeat(600)}`;
  it.each(["NaN", deep])("hides no list and no request behind it: %.9s", (odd) => {
    const list = `{"x":${odd},"result":{"tools":[{"name":"no"}]}}`;
    const asking = `{"x":${odd},"method":"sampling/createMessage","params":{"secret":1}}`;
    for (const text of [list, asking]) {
      const { text: got } = edit([Buffer.from(event(text))], { isEventStream: true, edited: 17, isAsked: false });
      expect(got).not.toMatch(/"no"|secret|sampling/);
      expect(got).toMatch(/^event: message\nid: 3\ndata: .*\n\n$/);
    }
    const { text } = edit([Buffer.from(event(list))], { isEventStream: true, edited: REWRITTEN_REQUESTS });
    expect(text).toBe(event(list));
  });
});

describe("lines around an event's data", () => {
  it("count among the bytes that are held", () => {
    const lines = [": ping\n", "data:\n"];
    for (const line of lines) {
      const filling = line.repeat(100_000);
      for (const [begin, end, after] of [
        ['{"result":{"tools":[{"name":"a",', '"b":1},{"name":"c"}]}}', '{"name":"c"}]}}'],
        ['{"params":{', '"secret":1},"method":"ping"}', '"denied/by-policy"}'],
        ['{"method":', '"ping"}', ""],
      ]) {
        const chunks = [`data: ${begin}\n`, filling, filling, `data: ${end}\n\n`].map((text) => Buffer.from(text));
        const { parts } = edit(chunks, { isEventStream: true, edited: 17 });
        expect(parts.slice(0, 3).join("").length).toBeGreaterThan(2 * filling.length);
        expect(parts[3]).not.toContain("secret");
        expect(parts[3]?.trimEnd().endsWith(after)).toBe(true);
      }
    }
  });
});

describe("a request of the server", () => {
  const editing = { isEventStream: true, edited: SERVER_REQUESTS, isAsked: false };
  const denied = '"denied/by-policy"';
  const cases: [string, string, string][] = [
    [
      "the method first",
      '{"method":"sampling/createMessage","params":{"secret":[1]},"jsonrpc":"2.0","id":0}',
      `{"method":${denied},"params":{},"jsonrpc":"2.0","id":0}`,
    ],
    [
      "the params first",
      '{"params" : {"secret":[1]} ,"id":0,"method" : "sampling\\/createMessage" }',
      `{"params" : {} ,"id":0,"method" : ${denied} }`,
    ],
    [
      "params, and what answers have",
      '{"id":1,"params":{"secret":1},"result":{},"method":"sampling/createMessage"}',
      `{"id":1,"params":{},"result":{},"method":${denied}}`,
    ],
    [
      "an error before the method",
      '{"error":{"code":1},"method":"sampling/createMessage","params":{"a":1},"id":7}',
      `{"error":{"code":1},"method":${denied},"params":{},"id":7}`,
    ],
    ["no params", '{"id":1,"method":"sampling/createMessage"}', `{"id":1,"method":${denied}}`],
    [
      "two methods",
      '{"id":1,"method":"ping","method":"sampling/createMessage"}',
      `{"id":1,"method":"ping","method":${denied}}`,
    ],
    ["an allowed one", '{"params":{"a":1},"method":"ping","id":1}', '{"params":{"a":1},"method":"ping","id":1}'],
    [
      "an answer",
      '{"params":{},"result":{"method":"sampling/createMessage"},"id":1}',
      '{"params":{},"result":{"method":"sampling/createMessage"},"id":1}',
    ],
    [
      "an input request",
      '{"result":{"inputRequests":{"a":{"params":{"x":1},"method":"sampling/createMessage"},"b":{"method":"roots/list"}}},"id":1}',
      `{"result":{"inputRequests":{"a":{"params":{},"method":${denied}},"b":{"method":"roots/list"}}},"id":1}`,
    ],
  ];
  it.each(cases)("%s", (_title, before, after) => {
    expect(edited(event(before), editing).text).toBe(event(after));
    const all = { ...editing, edited: SERVER_REQUESTS | REWRITTEN_REQUESTS };
    expect(edited(event(before), all).text).toBe(event(after));
    expect(edited(event(before), { ...editing, edited: 0, watched: SERVER_REQUESTS }).hasChanged).toBe(false);
  });

  it("loses params that are larger than can be held", () => {
    const large = `{"params":{"a":"${"x".repeat(70_000)}"},"method":"ping"}`;
    for (const size of [1000, 100_000]) {
      const stream = event(large);
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) chunks.push(Buffer.from(stream.slice(at, at + size)));
      expect(edit(chunks, editing).text).toBe(event(`{"params":{},"method":${denied}}`));
    }
  });
});

describe("the error of a rewritten request", () => {
  const editing = { isEventStream: true, edited: REWRITTEN_REQUESTS, isAsked: false };
  const cases: [string, string, string][] = [
    ["the id first", '{"id":7,"error":{"code":-32601}}', '{"id":7,"error":{"code":403}}'],
    ["the error first", '{"error" : {"code":-32601} ,"id" : 7 }', '{"error" : {"code":403} ,"id" : 7 }'],
    ["the id as a text", '{"error":{"code":1},"id":"7"}', '{"error":{"code":403},"id":"7"}'],
    ["another id", '{"error":{"code":1},"id":8}', '{"error":{"code":1},"id":8}'],
    ["no id", '{"error":{"code":1}}', '{"error":{"code":1}}'],
    ["a result", '{"result":{"code":1},"id":7}', '{"result":{"code":1},"id":7}'],
  ];
  it.each(cases)("%s", (_title, before, after) => {
    expect(edited(event(before), editing).text).toBe(event(after));
    expect(edited(`[${before},${before}]`, { ...editing, isEventStream: false }).text).toBe(`[${after},${after}]`);
  });
});
