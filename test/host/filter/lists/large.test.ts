/** Tests lists and elements of all sizes, and their use of memory. */
import { describe, expect, test } from "vitest";
import { effort } from "../../../effort.ts";
import { cut } from "../../../unit/chunks.ts";
import type { HttpStream, Plugin } from "../../../../scripts/host/index.ts";
import { error, event, request } from "../filter.ts";
import { GET_HEADERS, openGet } from "../open-stream.ts";
import type { ListAnswer } from "./generate.ts";
import { DENYING, ELEMENT_LIMIT, METHODS } from "./kinds.ts";
import { edited } from "./oracle.ts";
import { opened, passes, startListing } from "./passage.ts";

const PAGE = 65_536;
const LIST = request(METHODS.tools, {});

/** A rule that denies sampling requests of servers. */
const NO_SAMPLING = {
  name: "asks",
  action: "DENY",
  to: [{ operation: { methods: ["sampling/*"], direction: "server_to_client" } }],
};

/** The answer to tools/list with these elements. */
function toolsAnswer(isEvents: boolean, elements: readonly string[]): ListAnswer {
  const text = `{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"public","tools":[${elements.join(", ")}],"nextCursor":"x"}}`;
  return { kind: "tools", request: LIST, isEvents, body: Buffer.from(isEvents ? event(text) : text), deniedMarks: [] };
}

/** A definition of about `size` bytes. */
function tool(name: string, size = 300): string {
  const filling = "d".repeat(Math.max(0, size - name.length - 60));
  return `{"description":"${filling}","inputSchema":{"type":"object"},"name":"${name}"}`;
}

const manyTools = (count: number, size?: number) =>
  Array.from({ length: count }, (_, i) => tool(`${i % 2 === 0 ? "deny" : "keep"}_${i}`, size));

describe.each([
  ["JSON", false],
  ["an event", true],
])("in %s", (_, isEvents) => {
  test.each([
    ["5 000 tools", manyTools(5000)],
    ["5 000 denied tools", Array.from({ length: 5000 }, (_, i) => tool(`deny_${i}`))],
    ["2 MiB", manyTools(40, 52_000)],
    ["elements about the limit", aboutLimit()],
    ["one denied element of 3 MiB", [tool("keep"), tool("deny", 3 << 20), tool("keep_2")]],
    ["one allowed element of 3 MiB", [tool("keep"), tool("keep_1", 3 << 20), tool("keep_2")]],
    ["a string of 1 MiB as an element", [tool("keep"), `"${"s".repeat(1 << 20)}"`, tool("keep_2")]],
    ["1 MiB of white space between elements", [tool("keep"), `${" ".repeat(1 << 20)}${tool("deny")}`, tool("keep_2")]],
  ])("%s, in chunks of all sizes", (_, elements) => {
    const plugin = startListing();
    const answer = toolsAnswer(isEvents, elements);
    const expected = edited(answer.body, isEvents);
    expect(expected.length).toBeLessThan(answer.body.length);
    for (const sizes of [[answer.body.length], [16_384], [PAGE - 1, 1], [1460], [999, 1, 3000]]) {
      passes(plugin, answer, expected, { chunks: cut(answer.body, sizes) });
    }
  });

  test("pages are edited separately, and an empty page stays valid", () => {
    const plugin = startListing();
    for (const elements of [[tool("deny")], [], [tool("keep")], [tool("deny"), tool("deny_2")]]) {
      const answer = toolsAnswer(isEvents, elements);
      const received = passes(plugin, answer, edited(answer.body, isEvents), { chunks: [answer.body] }).received;
      const data = received.toString().replace(/^event: message\ndata: |\n\n$/g, "");
      const { tools, ...rest } = (JSON.parse(data) as { result: { tools: { name: string }[] } }).result;
      expect(tools.map(({ name }) => name)).toEqual(
        elements.length === 1 && elements[0].includes("keep") ? ["keep"] : [],
      );
      expect(rest).toEqual({ cacheScope: "private", nextCursor: "x" });
    }
  });
});

/** Elements with sizes around {@link ELEMENT_LIMIT}. */
function aboutLimit(): string[] {
  return [ELEMENT_LIMIT - 1, ELEMENT_LIMIT, ELEMENT_LIMIT + 1, ELEMENT_LIMIT + 300, 2 * ELEMENT_LIMIT].map(
    (size, i) => {
      const start = `{"name":"keep_${i}","description":"`;
      return `${start}${"x".repeat(size - start.length - 2)}"}`;
    },
  );
}

describe("memory", () => {
  const STREAMS = 1000;
  /** The number of bytes of an unfinished element. */
  const HELD = 60_000;

  test.each([
    ["JSON", false],
    ["event streams", true],
  ])(`of ${STREAMS} open streams in %s is what they hold, within its bound, and is given back`, (_, isEvents) => {
    const plugin = startListing();
    const start = toolsAnswer(isEvents, [tool("keep"), tool("deny", 2 * HELD)]).body.subarray(0, HELD);
    const run = () => {
      const streams = Array.from({ length: STREAMS }, () => {
        const stream = opened(plugin, LIST, isEvents);
        stream.responseBody(start);
        return stream;
      });
      for (const stream of streams) stream.reset("client");
      return plugin.vm.memoryPages();
    };
    // Buffers grow by doubling, and the memory does too.
    expect(run()).toBeLessThan((2 * STREAMS * (HELD + 8192)) / PAGE);
    const pages = run();
    expect(run()).toBe(pages);
  });

  test.each([
    ["whose element never ends", false, '{"result":{"tools":[{"x":"', "x"],
    ["whose element is a text without an end", false, '{"result":{"tools":[{},"', "x"],
    ["with space between elements", false, '{"result":{"tools":[{"name":"keep"},', " "],
    ["with a comment inside of an element", true, 'data: {"result":{"tools":[{"x":1\n: ', "x"],
    ["with comments inside of an element", true, 'data: {"result":{"tools":[{"x":1\n', ": a\n"],
    ["with comments between elements", true, 'data: {"result":{"tools":[{"name":"keep"},\n', ": a\n"],
    ["with lines inside of an element", true, 'data: {"result":{"tools":[{"x":1\n', "data:\n"],
    ["with params before the method", true, 'data: {"params":{"x":"', "x"],
    ["with space before the method", true, 'data: {"params":{},', " "],
    ["with comments behind params", true, 'data: {"params":{}\n', ": a\n"],
    ["with a method without an end", true, 'data: {"method":"', "x"],
    ["with a scope without an end", false, '{"result":{"cacheScope":"', "x"],
    ["with space before the message", false, "", " "],
  ])("of a stream %s is bounded", (_, isEvents, start, filling) => {
    const plugin = startListing({ rules: [...DENYING.rules, NO_SAMPLING] });
    const pagesAfter = (bytes: number) => {
      const stream = opened(plugin, LIST, isEvents);
      stream.responseBody(Buffer.from(start));
      for (let sent = 0; sent < bytes; sent += 10_000) stream.responseBody(Buffer.alloc(9996, filling));
      expect(stream.received.includes('"x":')).toBe(false);
      stream.reset("server");
      return plugin.vm.memoryPages();
    };
    pagesAfter(500_000);
    const pages = pagesAfter(500_000);
    expect(pagesAfter(20_000_000)).toBe(pages);
  });

  const ROUNDS = effort(3000, 60_000);
  test(`does not grow over ${ROUNDS} lists, whole, broken off, and broken`, () => {
    const plugin = startListing();
    const kinds: ((plugin: Plugin) => void)[] = [
      (plugin) => end(read(plugin, false, toolsAnswer(false, manyTools(20)).body)),
      (plugin) => end(read(plugin, true, toolsAnswer(true, manyTools(20)).body)),
      (plugin) => read(plugin, false, toolsAnswer(false, manyTools(20)).body.subarray(0, 1000)).reset("client"),
      (plugin) => read(plugin, true, toolsAnswer(true, manyTools(20)).body.subarray(0, 1000)).reset("server"),
      (plugin) => end(read(plugin, true, Buffer.from('data: {"result":{"tools":[{"name":}]}}\n\n'))),
      (plugin) => end(read(plugin, false, Buffer.from('{"result":{"tools":[{"name":}]}}'))),
      (plugin) => end(read(plugin, false, Buffer.from("no JSON"))),
      (plugin) => end(read(plugin, false, Buffer.from(error(-32601)))),
      (plugin) =>
        void openGet(plugin, "s")
          .send(toolsAnswer(false, manyTools(3)).body.toString())
          .close("client"),
    ];
    const run = (rounds: number) => {
      for (let i = 0; i < rounds; i++) {
        kinds[i % kinds.length](plugin);
        if (i % 500 === 0) {
          plugin.vm.clock.advance(1000);
          plugin.tick();
          plugin.vm.logs.length = 0;
        }
      }
    };
    run(1000);
    const pages = plugin.vm.memoryPages();
    run(ROUNDS);
    expect(plugin.vm.memoryPages()).toBe(pages);
  });
});

function read(plugin: Plugin, isEvents: boolean, body: Buffer): HttpStream {
  const stream = opened(plugin, LIST, isEvents);
  for (const chunk of cut(body, [700, 1, 90])) stream.responseBody(chunk);
  return stream;
}

function end(stream: HttpStream): void {
  if (stream.reply !== undefined) return;
  stream.responseBody(Buffer.alloc(0), true);
  stream.end();
}

test("a request without a body that is answered by a list is edited too", () => {
  const plugin = startListing();
  const stream = plugin.stream();
  stream.requestHeaders(
    [[":authority", "a"], [":path", "/mcp"], [":method", "GET"], ...Object.entries(GET_HEADERS)],
    true,
  );
  stream.responseHeaders([
    [":status", "200"],
    ["content-type", "text/event-stream"],
  ]);
  const answer = toolsAnswer(true, [tool("keep"), tool("deny")]);
  stream.responseBody(answer.body);
  expect(stream.received.includes("deny")).toBe(false);
});
