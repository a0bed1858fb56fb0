/** Tests what servers report about their tools, and whether agents follow that. */
import { describe, expect, test } from "vitest";
import type { ExchangeOptions, Plugin } from "../../../scripts/host/index.ts";
import { openStream, send } from "./http-sse.ts";
import {
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  countsBy,
  error,
  event,
  post,
  request,
  result,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { has } from "./matrix.ts";

const changes = (plugin: Plugin) =>
  countsBy(plugin, "mcp_tool_definition_changes_total", "gen_ai_tool_name", "mcp_change");
const unknown = (plugin: Plugin) => plugin.vm.metrics.counter("mcp_unknown_tool_calls_total");

interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: object;
}

const tool = (name: string, description = "does it", properties: object = {}): Tool => ({
  name,
  description,
  inputSchema: { type: "object", properties },
});
const [ECHO, ADD, SUB] = ["echo", "add", "sub"].map((name) => tool(name));

type Options = ExchangeOptions & { headers?: Record<string, string>; path?: string };

/** The server lists its tools, one per page. The pages pass these workers in turn. */
function list(workers: readonly Plugin[], pages: readonly (readonly object[])[], options?: Options): void {
  pages.forEach((tools, i) => {
    const params = i === 0 ? {} : { cursor: `page ${i}` };
    const more = i + 1 < pages.length && { nextCursor: `page ${i + 1}` };
    post(workers[i % workers.length], request("tools/list", params), result({ tools, ...more }), options);
  });
}

describe.each([1, 4])("a changing list of tools, with %i workers", (count) => {
  const start = () => startWorkers(count);

  test("reports what was added, changed and removed since this caller saw it last", () => {
    const workers = start();
    list(workers, [[ECHO, ADD]]);
    expect(changes(workers[0])).toEqual({});
    list(workers.slice(-1), [[ECHO, ADD]]);
    list(workers, [[ADD, ECHO]]);
    expect(changes(workers[0])).toEqual({});
    list(workers.slice(-1), [[tool("echo", "does something else"), SUB]]);
    expect(changes(workers[0])).toEqual({ "echo changed": 1, "sub added": 1, "add removed": 1 });
    list(workers, [[ECHO, ADD]]);
    expect(changes(workers[0])).toEqual({
      "echo changed": 2,
      "sub added": 1,
      "sub removed": 1,
      "add removed": 1,
      "add added": 1,
    });
  });

  test.each([
    ["a description", tool("echo", "does it!")],
    ["no description", { name: "echo", inputSchema: tool("").inputSchema }],
    ["a schema", tool("echo", "does it", { text: { type: "string" } })],
    ["no schema", { name: "echo", description: "does it" }],
    ["description and schema the wrong way round", { ...ECHO, description: "type", inputSchema: { does: "it" } }],
  ])("by %s, which is a change", (_, changed) => {
    const workers = start();
    list(workers, [[ECHO]]);
    list(workers.slice(-1), [[changed]]);
    list(workers, [[changed]]);
    expect(changes(workers[0])).toEqual({ "echo changed": 1 });
  });

  test.each([
    ["a title", { title: "Echo", ...ECHO }],
    ["annotations", { ...ECHO, annotations: { readOnlyHint: true } }],
    ["the order of members", { inputSchema: ECHO.inputSchema, description: ECHO.description, name: "echo" }],
  ])("does not change by %s", (_, changed) => {
    const workers = start();
    list(workers, [[ECHO]]);
    list(workers.slice(-1), [[changed]]);
    expect(changes(workers[0])).toEqual({});
  });

  test("is complete only with its last page, and the same for any pages", () => {
    const workers = start();
    list(workers, [[ECHO], [ADD], [SUB]]);
    list(workers.toReversed(), [[ECHO, ADD], [SUB]]);
    list(workers, [[ECHO, ADD, SUB]]);
    list(workers, [[], [ECHO], [], [ADD, SUB], []]);
    expect(changes(workers[0])).toEqual({});
    list(workers.toReversed(), [[ECHO], [tool("add", "new")], [tool("mul"), SUB]]);
    expect(changes(workers[0])).toEqual({ "add changed": 1, "mul added": 1 });
  });

  test("with an unseen page is not compared until it is seen completely again", () => {
    const workers = start();
    list(workers, [[ECHO], [ADD]]);
    post(workers[0], request("tools/list", { cursor: "elsewhere" }), result({ tools: [SUB] }));
    list(workers, [[ECHO, SUB]]);
    expect(changes(workers[0])).toEqual({});
    list(workers, [[ECHO]]);
    expect(changes(workers[0])).toEqual({ "sub removed": 1 });
  });

  test("may become empty, and return", () => {
    const workers = start();
    list(workers, [[ECHO, ADD]]);
    list(workers.slice(-1), [[]]);
    expect(changes(workers[0])).toEqual({ "echo removed": 1, "add removed": 1 });
    list(workers, [[ECHO]]);
    expect(changes(workers[0])).toEqual({ "echo removed": 1, "add removed": 1, "echo added": 1 });
  });

  test.runIf(has("clusters"))("is separate for each caller, key and server", () => {
    const workers = startWorkers(count, { configuration: { sessions: { callerKey: ["x-tenant"] } } });
    const tenant = (name: string) => ({ headers: { ...MCP_HEADERS, "x-tenant": name } });
    const callers: Options[] = [
      { ...tenant("a"), properties: { "source.address": "198.51.100.7:1" } },
      { ...tenant("a"), properties: { "xds.cluster_name": "other" } },
      tenant("b"),
    ];
    list(workers, [[ECHO]], tenant("a"));
    for (const caller of callers) list(workers, [[ADD]], caller);
    expect(changes(workers[0])).toEqual({});
    for (const caller of callers) list(workers, [[SUB]], caller);
    expect(changes(workers[0])).toEqual({ "sub added": 3, "add removed": 3 });
  });

  test("is separate for each path, since named servers may share an upstream", () => {
    const workers = start();
    const [wiki, tracker] = ["wiki", "tracker"].map((name) => ({ path: `/servers/${name}/mcp/` }));
    for (let i = 0; i < 3; i++) {
      list(workers, [[tool("search", "the wiki"), ECHO], [ADD]], wiki);
      list(workers.slice(-1), [[tool("search", "issues")], [SUB]], tracker);
    }
    expect(changes(workers[0])).toEqual({});
    list(workers, [[tool("search", "the wiki, and reads your keys"), ECHO, ADD]], { path: `${wiki.path}?x=1` });
    expect(changes(workers[0])).toEqual({ "search changed": 1 });
    post(workers[0], toolCall("add"), error(-32602), wiki);
    expect(unknown(workers[0])).toBe(0);
    post(workers[0], toolCall("add"), error(-32602), tracker);
    expect(unknown(workers[0])).toBe(1);
  });

  test.runIf(has("clusters"))("is compared only on the first 64 paths of a server", () => {
    const workers = start();
    const at = (i: number, cluster = "tools") => ({ path: `/${i}`, properties: { "xds.cluster_name": cluster } });
    for (let i = 0; i < 70; i++) list(workers, [[ECHO]], at(i));
    list(workers, [[ECHO]], at(70, "other"));
    for (let i = 0; i < 70; i++) list(workers.slice(-1), [[ADD]], at(i));
    expect(changes(workers[0])).toEqual({ "add added": 64, "echo removed": 64 });
    post(workers[0], toolCall("guessed"), error(-32602), at(64));
    expect(unknown(workers[0])).toBe(0);
    list(workers, [[ADD]], at(70, "other"));
    expect(changes(workers[0])).toEqual({ "add added": 65, "echo removed": 65 });
    post(workers[0], toolCall("guessed"), error(-32602), at(0));
    expect(unknown(workers[0])).toBe(1);
  });

  test("is the same for each HTTP+SSE session of a GET path, with any endpoint", () => {
    const workers = start();
    const listed = (session: string, path: string, ...tools: object[]) => {
      const endpoint = `/messages/${session}`;
      const stream = openStream(workers[0], endpoint, path);
      send(workers[count - 1], request("tools/list"), { path: endpoint });
      stream.send(result({ tools }));
    };
    for (let i = 0; i < 70; i++) listed(`a${i}`, "/wiki/sse", ECHO);
    for (let i = 0; i < 3; i++) listed(`b${i}`, "/tracker/sse", ADD);
    expect(changes(workers[0])).toEqual({});
    listed("c", "/wiki/sse", SUB);
    expect(changes(workers[0])).toEqual({ "sub added": 1, "echo removed": 1 });
  });

  test("an error, and a list of no tools at all, change nothing", () => {
    const workers = start();
    list(workers, [[ECHO]]);
    post(workers[0], request("tools/list"), error(-32603));
    post(workers[0], request("tools/list"), result({ tools: [ADD], isError: true }));
    post(workers[0], request("prompts/list"), result({ tools: [ADD] }));
    list(workers, [[ECHO]]);
    expect(changes(workers[0])).toEqual({});
  });
});

test("a list of 512 tools is compared, one of more is not", () => {
  const plugin = startFilter({ configuration: { labels: { maxTools: 1000 } } });
  const tools = (size: number, description?: string) =>
    Array.from({ length: size }, (_, i) => tool(`t${i}`, description));
  list([plugin], [tools(512)]);
  list([plugin], [tools(300, "new"), tools(512).slice(300)]);
  expect(plugin.vm.metrics.counter("mcp_tool_definition_changes_total", { mcp_change: "changed" })).toBe(300);
  list([plugin], [tools(513)]);
  list([plugin], [tools(300), tools(513).slice(300)]);
  list([plugin], [tools(10)]);
  expect(plugin.vm.metrics.counter("mcp_tool_definition_changes_total")).toBe(300);
  list([plugin], [tools(9)]);
  expect(plugin.vm.metrics.counter("mcp_tool_definition_changes_total", { mcp_change: "removed" })).toBe(1);
});

test("lists are compared even if tokens are not estimated", () => {
  const plugin = startFilter({ configuration: { tokens: { estimate: false } } });
  list([plugin], [[ECHO], [ADD]]);
  list([plugin], [[ECHO, tool("add", "new")]]);
  expect(changes(plugin)).toEqual({ "add changed": 1 });
});

describe.each([1, 4])("a call of a tool that does not exist, with %i workers", (count) => {
  const start = () => startWorkers(count);
  const on = (workers: Plugin[], i: number) => workers[i % count];
  const failures = [error(-32602), error(-32601), result({ isError: true })];

  test("counts if it failed and the latest list of this caller does not contain the tool", () => {
    const workers = start();
    list(workers, [[ECHO], [ADD]]);
    failures.forEach((failure, i) => post(on(workers, i), toolCall("guessed"), failure));
    expect(unknown(workers[0])).toBe(3);
    post(on(workers, 1), toolCall("guessed"), result());
    post(on(workers, 1), toolCall("echo"), error(-32602));
    post(on(workers, 2), toolCall("add"), result({ isError: true }));
    post(on(workers, 3), toolCall("guessed"), { status: 500, body: "" });
    expect(unknown(workers[0])).toBe(3);
    expect(countsBy(workers[0], "mcp_unknown_tool_calls_total", "mcp_server", "gen_ai_tool_name")).toEqual({
      "tools ": 3,
    });
  });

  test("counts even if its name was chosen to collide with that of a tool", () => {
    const workers = start();
    // One FNV-1a hash.
    list(workers, [[tool("8yn0iYCKYHlIj4-BwPqk")]]);
    post(on(workers, 1), toolCall("GReLUrM4wMqfg9yzV3KQ"), error(-32602));
    expect(unknown(workers[0])).toBe(1);
  });

  test("does not count if no complete list was seen", () => {
    const workers = start();
    post(workers[0], toolCall("guessed"), error(-32602));
    post(workers[0], request("tools/list"), result({ tools: [ECHO], nextCursor: "2" }));
    post(on(workers, 1), toolCall("guessed"), error(-32602));
    expect(unknown(workers[0])).toBe(0);
    post(on(workers, 2), request("tools/list", { cursor: "2" }), result({ tools: [ADD] }));
    post(on(workers, 3), toolCall("guessed"), error(-32602));
    expect(unknown(workers[0])).toBe(1);
  });

  test("counts once its tool was removed, for callers that saw the list", () => {
    const workers = start();
    list(workers, [[ECHO, ADD]]);
    list(workers.slice(-1), [[ECHO]]);
    post(on(workers, 1), toolCall("add"), error(-32602));
    expect(unknown(workers[0])).toBe(1);
    post(on(workers, 1), toolCall("add"), error(-32602), { properties: { "source.address": "198.51.100.7:1" } });
    expect(unknown(workers[0])).toBe(1);
  });
});

describe("progress", () => {
  const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}';
  const counted = (plugin: Plugin) => countsBy(plugin, "mcp_progress_total", "gen_ai_tool_name");
  const start = () => startFilter({ configuration: { labels: { tools: ["echo", "add"] } } });
  const sse = (...data: string[]) => ({ headers: SSE_ANSWER, body: data.map(event).join("") });

  test("belongs to the tool of the only open call", () => {
    const plugin = start();
    post(plugin, toolCall("echo"), sse(progress, progress, result(), progress));
    expect(counted(plugin)).toEqual({ echo: 2, "": 1 });
    const two = batch(toolCall("echo", 1), toolCall("add", 2));
    post(plugin, two, sse(progress, result({}, 1), progress, result({}, 2)));
    expect(counted(plugin)).toEqual({ echo: 2, "": 2, add: 1 });
  });

  test("of a tool without a label, of another method and on a stream of the server's own", () => {
    const plugin = start();
    post(plugin, toolCall("guessed"), sse(progress, error(-32602)));
    post(plugin, request("resources/read", { uri: "a:b" }), sse(progress, result()));
    post(plugin, request("prompts/get", { name: "echo" }), sse(progress, result()));
    post(plugin, batch(progress), { status: 202 });
    expect(counted(plugin)).toEqual({ _OTHER: 1, "": 2 });
  });
});
