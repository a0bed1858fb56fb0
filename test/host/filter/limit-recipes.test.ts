/** Tests each recipe of docs/shaping.md as written there: what it admits and what it rejects. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  exchange,
  type HttpStream,
  loadModule,
  type Plugin,
  type Properties,
  Vm,
} from "../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, countsBy, request, result, toolCall } from "./filter.ts";
import { admitted, ask } from "./limits.ts";
import { answer, call, hasPassed, isWaiting, passMilliseconds, runTurns } from "./queues.ts";

/** The parts of a configuration that a test changes. */
interface Recipe {
  limits: { mode?: string };
}

const PAGE = readFileSync("docs/shaping.md", "utf8");
const RECIPES = recipesOf(PAGE);

/** The configurations of the page's recipes, by their titles. */
function recipesOf(page: string): Map<string, Recipe> {
  const [, chapter] = /^## Recipes\n(.*)/ms.exec(page)!;
  const found = chapter.matchAll(/^### (.*?)\n.*?^```json\n(.*?)^```/gms);
  return new Map([...found].map(([, title, json]) => [title, JSON.parse(json) as Recipe]));
}

const as = (account: string): { properties: Properties } => ({
  properties: {
    "connection.uri_san_peer_certificate": `spiffe://cluster.local/ns/agents/sa/${account}`,
    "xds.cluster_name": "tools",
  },
});
const token = (subject: string, team?: string): { properties: Properties } => {
  const payload = "metadata.filter_metadata.envoy.filters.http.jwt_authn.payload";
  const claims = { iss: "https://login.example", sub: subject, ...(team !== undefined && { team }) };
  const properties = Object.entries(claims).map(([name, value]) => [`${payload}.${name}`, value]);
  return { properties: { "xds.cluster_name": "tools", ...Object.fromEntries(properties) } as Properties };
};
const [A, B] = [as("a"), as("b")];

function start(recipe: object): Plugin {
  const plugin = new Vm(loadModule()).plugin({ configuration: recipe, allowHeadersStop: true });
  // The status of an error, or of an ignored message.
  expect(plugin.vm.logs.filter(({ message }) => message.includes("configuration"))).toEqual([]);
  return plugin;
}

/** The server lists these tools. */
function list(plugin: Plugin, names: string[]): void {
  const tools = names.map((name) => ({ name, inputSchema: { type: "object" } }));
  ask(plugin, request("tools/list"), {
    ...as("operator"),
    response: { headers: JSON_ANSWER, body: result({ tools }) },
  });
}

/** Sends a request that must be limited. Returns the details and the text of the reply. */
function rejection(plugin: Plugin, body: string, asking = A): { details?: string; text: string } {
  const { reply } = ask(plugin, body, asking);
  return { details: reply?.details, text: JSON.stringify(reply?.body) };
}

/** A test for each recipe, by its title. */
const TESTS: Record<string, (recipe: Recipe) => void> = {
  "Each agent, each tool": (recipe) => {
    const plugin = start(recipe);
    const tools = ["t0", "t1", "t2", "t3", "t4", "t5"];
    list(plugin, tools);
    for (const tool of tools) expect(admitted(plugin, 20, toolCall(tool), A)).toBe(10);
    expect(rejection(plugin, toolCall("t0"))).toMatchObject({ details: "mcp_limited[agent-tool]" });
    // The tool refills in ten seconds, and the agent gains 50.
    plugin.vm.clock.advance(1000);
    expect(tools.map((tool) => admitted(plugin, 5, toolCall(tool), A))).toEqual([1, 1, 1, 1, 1, 0]);
    expect(rejection(plugin, request("tools/list"))).toMatchObject({ details: "mcp_limited[agent]" });
    expect(admitted(plugin, 20, toolCall("t0"), B)).toBe(10);
    // The requests that the second rule rejected have used up nothing of the first rule.
    plugin.vm.clock.advance(200);
    expect(admitted(plugin, 5, toolCall("t5"), A)).toBe(1);
  },

  "A token budget for each team": (recipe) => {
    const plugin = start(recipe);
    const text = "word ".repeat(60_000);
    const large = { response: { headers: JSON_ANSWER, body: result({ content: [{ type: "text", text }] }) } };
    const alice = token("alice", "blue");
    let calls = 0;
    while (calls < 100 && admitted(plugin, 1, toolCall("search"), { ...alice, ...large })) calls++;
    expect(calls).toBeGreaterThan(1);
    expect(calls).toBeLessThan(10);
    const { details, text: answer } = rejection(plugin, toolCall("search"), token("bob", "blue"));
    expect(details).toBe("mcp_limited[team-budget]");
    expect(answer).toContain('"isError":true');
    expect(answer).toMatch(
      /at most 200000 tokens in 1 hour \(rule team-budget\); wait \d+ seconds before you try again\./,
    );
    expect(admitted(plugin, 1, toolCall("search"), token("carol", "red"))).toBe(1);
    // Callers without a team share one budget.
    for (let i = 0; i < calls; i++)
      expect(admitted(plugin, 1, toolCall("search"), { ...token(`u${i}`), ...large })).toBe(1);
    expect(admitted(plugin, 1, toolCall("search"), token("dave"))).toBe(0);
    plugin.vm.clock.advance(2 * 3_600_000);
    expect(admitted(plugin, 1, toolCall("search"), alice)).toBe(1);
  },

  "A slow tool that stays alive": (recipe) => {
    const plugin = start(recipe);
    let id = 0;
    const open = (tool: string, who: { properties: Properties }): HttpStream => {
      const sent = { headers: MCP_HEADERS, body: toolCall(tool, ++id) };
      return exchange(plugin, { request: sent, response: null, ended: "open" }, who).stream;
    };
    const both = [open("render_page", A), open("render_book", A)];
    expect(open("render_page", A).reply?.details).toBe("mcp_limited[render-agent]");
    expect(open("search", A).reply).toBeUndefined();
    for (const one of ["b", "c", "d"])
      for (let i = 0; i < 2; i++) expect(open("render_page", as(one)).reply).toBeUndefined();
    expect(open("render_page", as("e")).reply?.details).toBe("mcp_limited[render]");
    both[0].reset("client");
    expect(open("render_page", as("e")).reply).toBeUndefined();
    expect(open("render_page", as("e")).reply?.details).toBe("mcp_limited[render]");
  },

  "A burst, spread out": (recipe) => {
    const plugin = start(recipe);
    const burst = Array.from({ length: 70 }, (_, id) => call(plugin, id, A));
    runTurns(plugin);
    expect(burst.filter(hasPassed)).toHaveLength(10);
    expect(burst.filter(isWaiting)).toHaveLength(60);
    expect(hasPassed(call(plugin, 100, B))).toBe(true);
    passMilliseconds([plugin], 1000);
    expect(burst.filter(hasPassed).length).toBeGreaterThanOrEqual(19);
    expect(burst.filter(hasPassed).length).toBeLessThanOrEqual(20);
    passMilliseconds([plugin], 3100);
    expect(burst.slice(0, 50).every(hasPassed)).toBe(true);
    passMilliseconds([plugin], 1000);
    // The part that has not refilled in 5 seconds.
    const rest = burst.filter((stream) => !hasPassed(stream));
    expect(rest.length).toBeLessThanOrEqual(12);
    expect(rest).toEqual(burst.slice(70 - rest.length));
    expect(rest.map(({ reply }) => reply?.details)).toEqual(Array(rest.length).fill("mcp_limited[agent]"));
  },

  "An agent that waits for itself": (recipe) => {
    const plugin = start(recipe);
    const calls = Array.from({ length: 20 }, (_, id) => call(plugin, id, A));
    runTurns(plugin);
    expect(calls.filter(hasPassed)).toHaveLength(4);
    expect(calls.filter(isWaiting)).toHaveLength(16);
    expect(hasPassed(call(plugin, 100, B))).toBe(true);
    expect(ask(plugin, request("tools/list"), A).reply).toBeUndefined();
    calls.forEach((stream, id) => {
      answer(stream, id);
      runTurns(plugin);
    });
    expect(calls.every(hasPassed)).toBe(true);
  },

  "A tool that all share": (recipe) => {
    const plugin = start(recipe);
    list(plugin, ["render_page", "render_book"]);
    const jobs = (who: { properties: Properties }, count: number, from: number) =>
      Array.from({ length: count }, (_, i) => call(plugin, from + i, { ...who, tool: "render_page" }));
    const greedy = jobs(A, 200, 0);
    const polite = [...jobs(B, 1, 1000), ...jobs(as("c"), 1, 2000)];
    runTurns(plugin);
    expect(greedy.filter(hasPassed)).toHaveLength(8);
    expect([...greedy, ...polite].filter(isWaiting)).toHaveLength(194);
    expect(hasPassed(call(plugin, 3000, { ...A, tool: "render_book" }))).toBe(true);
    for (let id = 0; id < 3; id++) {
      answer(greedy[id], id);
      runTurns(plugin);
    }
    expect([greedy.filter(hasPassed).length, ...polite.map(hasPassed)]).toEqual([9, true, true]);
  },

  "Stop a loop": (recipe) => {
    const plugin = start(recipe);
    expect(admitted(plugin, 10, toolCall("search"), A)).toBe(3);
    const { details, text } = rejection(plugin, toolCall("search"));
    expect(details).toBe("mcp_limited[loops]");
    expect(text).toContain('"isError":true');
    expect(text).toContain("You have made this same call, with the same arguments, 3 times within 1 minute");
    const other = request("tools/call", { name: "search", arguments: { text: "other" } });
    expect(admitted(plugin, 1, other, A)).toBe(1);
    expect(admitted(plugin, 20, toolCall("get_status"), A)).toBe(20);
    expect(admitted(plugin, 20, toolCall("wait_for_it"), A)).toBe(20);
    expect(admitted(plugin, 20, request("tools/list"), A)).toBe(20);
    expect(admitted(plugin, 3, toolCall("search"), B)).toBe(3);
    plugin.vm.clock.advance(60_000);
    expect(admitted(plugin, 10, toolCall("search"), A)).toBe(3);
  },

  "Try a limit first": (recipe) => {
    const plugin = start(recipe);
    const decisions = () => countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision");
    expect(admitted(plugin, 40, toolCall("search"), A)).toBe(40);
    expect(decisions()).toEqual({ "agent admitted": 30, "agent shadow_limited": 10 });
    const audited = plugin.vm.logs.filter(({ message }) => message.includes("mcp_limit_started"));
    expect(audited.map(({ message }) => JSON.parse(message) as object)).toMatchObject([
      { mode: "shadow", rule: "agent", principal: "spiffe://cluster.local/ns/agents/sa/a" },
    ]);
    const enforced = structuredClone(recipe);
    delete enforced.limits.mode;
    expect(admitted(start(enforced), 40, toolCall("search"), A)).toBe(30);
  },
};

test("the page has exactly the tested recipes", () => {
  expect([...RECIPES.keys()]).toEqual(Object.keys(TESTS));
});

test.each([...RECIPES])("%s", (title, recipe) => {
  TESTS[title](recipe);
});

test("the page shows the reply and the audit line of its first configuration", () => {
  const blocks = [...PAGE.matchAll(/^```json\n(.*?)^```/gms)].map(
    ([, json]) => JSON.parse(json) as Record<string, unknown>,
  );
  const [configuration, answer, line] = ["limits", "jsonrpc", "event"].map((member) =>
    blocks.find((block) => member in block)!,
  );
  const plugin = start(configuration);
  const who = { properties: { ...A.properties, "source.address": "10.0.3.17:40112" } };
  const headers = { ...MCP_HEADERS, "x-request-id": "4f0c6a52-6d0e-4d5a-9a52-0c6ab7a3a0f1" };
  // Unknown tools share an allowance until their first call has succeeded.
  list(plugin, ["search_docs"]);
  expect(admitted(plugin, 20, toolCall("search_docs"), { ...who, headers })).toBe(20);
  plugin.vm.clock.advance(150);
  expect(ask(plugin, toolCall("search_docs", 7), { ...who, headers }).reply).toMatchObject({
    headers: { "retry-after": "1" },
    body: answer,
  });
  const { time, ...audited } = line;
  const [{ message }] = plugin.vm.logs.filter(({ message }) => message.includes("mcp_limit_started"));
  const { time: written, ...seen } = JSON.parse(message) as Record<string, unknown>;
  expect(seen).toEqual(audited);
  expect([typeof written, typeof time]).toEqual(["string", "string"]);
});
