/** Tests each recipe of docs/access.md as written there: what it allows and what it denies. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exchange, type Plugin, type Properties } from "../../../scripts/host/index.ts";
import { MCP_HEADERS, countsBy, notification, request, result, toolCall, startVm } from "./filter.ts";
import { inSession, openGet } from "./open-stream.ts";

/** The part of a configuration that a test changes. */
interface Recipe {
  access: { rules: { name: string; mode?: string }[] };
}

const RECIPES = recipesOf(readFileSync("docs/access.md", "utf8"));

/** The configurations of the page's recipes, by their titles. */
function recipesOf(page: string): Map<string, Recipe> {
  const [, chapter] = /^## Recipes\n(.*?)^## /ms.exec(page)!;
  const found = chapter.matchAll(/^### (.*?)\n.*?^```json\n(.*?)^```/gms);
  return new Map([...found].map(([, title, json]) => [title, JSON.parse(json) as Recipe]));
}

const workload = (namespace: string, account = "a"): Properties => ({
  "connection.uri_san_peer_certificate": `spiffe://cluster.local/ns/${namespace}/sa/${account}`,
});
const token = (issuer: string, ...groups: string[]): Properties => {
  const payload = "metadata.filter_metadata.envoy.filters.http.jwt_authn.payload";
  const listed = groups.map((group, index) => [`${payload}.groups.${index}`, group] as const);
  return { [`${payload}.iss`]: issuer, [`${payload}.sub`]: "u1", ...Object.fromEntries(listed) };
};

const NOBODY: Properties = {};
const AGENT = workload("agents");
const STRANGER: Properties = { "connection.uri_san_peer_certificate": "spiffe://elsewhere.example/ns/agents/sa/a" };

const INITIALIZE = request("initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "c" },
});
const INITIALIZED = notification("notifications/initialized");
const LIST = request("tools/list");
const read = (path: unknown) => request("tools/call", { name: "read_file", arguments: { path } });

function start(recipe: Recipe): Plugin {
  const plugin = startVm().plugin({ configuration: recipe });
  // The status of an error, or of an ignored message.
  expect(plugin.vm.logs.filter(({ message }) => message.includes("configuration"))).toEqual([]);
  return plugin;
}

/** Sends a message. Returns the rule that denied it; undefined if it has passed. */
function denierOf(plugin: Plugin, who: Properties, body: string, headers = MCP_HEADERS): string | undefined {
  const sent = { request: { headers, body }, response: { body: result() } };
  const { reply } = exchange(plugin, sent, { properties: who }).stream;
  return reply && /^mcp_access_denied\[(.*)\]$/.exec(reply.details)![1];
}

/** A message, its sender, and the rule that denies it. Without a rule, the message must pass. */
type Case = [who: Properties, body: string, rule?: string];

function expectOf(recipe: Recipe, cases: readonly Case[]): void {
  const plugin = start(recipe);
  for (const [who, body, rule] of cases) {
    const caller = Object.values(who).join(" ") || "nobody";
    expect(denierOf(plugin, who, body), `${caller}: ${body}`).toBe(rule);
  }
}

const SHAKEN: Case[] = [NOBODY, STRANGER].flatMap((who) =>
  [INITIALIZE, INITIALIZED, request("ping"), request("server/discover")].map((body): Case => [who, body]),
);

const DEFAULT = "_default";

/** A test for each recipe, by its title. */
const TESTS: Record<string, (recipe: Recipe) => void> = {
  "Agents that only read": (recipe) => {
    expectOf(recipe, [
      ...SHAKEN,
      [AGENT, LIST],
      [AGENT, request("resources/templates/list")],
      [AGENT, request("resources/read", { uri: "file:///a" })],
      [AGENT, notification("notifications/cancelled", { requestId: 1 })],
      [AGENT, toolCall("search_docs")],
      [AGENT, toolCall("get_weather")],
      [AGENT, toolCall("delete_order"), DEFAULT],
      [AGENT, toolCall("forget_weather"), DEFAULT],
      [AGENT, request("prompts/get", { name: "get_started" }), DEFAULT],
      [workload("agents-x"), toolCall("search_docs"), DEFAULT],
      [STRANGER, toolCall("search_docs"), DEFAULT],
      [NOBODY, toolCall("search_docs"), DEFAULT],
      [NOBODY, LIST, DEFAULT],
    ]);
  },

  "A dangerous tool for one namespace, in shadow mode first": (recipe) => {
    const OPS = workload("ops");
    const calls: [Properties, string][] = [
      [OPS, toolCall("delete_order")],
      [AGENT, toolCall("delete_order")],
      [AGENT, toolCall("get_order")],
    ];
    const plugin = start(recipe);
    for (const [who, body] of calls) expect(denierOf(plugin, who, body)).toBeUndefined();
    const labels = ["mcp_access_rule", "mcp_access_mode", "mcp_access_action"];
    expect(countsBy(plugin, "mcp_access_decisions_total", ...labels)).toEqual({
      "mesh enforce allow": 3,
      "only-ops-delete shadow deny": 1,
    });
    expectOf(recipe, [...SHAKEN, [STRANGER, toolCall("get_order"), DEFAULT], [NOBODY, LIST, DEFAULT]]);

    const enforced = structuredClone(recipe);
    delete enforced.access.rules.find(({ name }) => name === "only-ops-delete")!.mode;
    expectOf(enforced, [
      ...SHAKEN,
      [OPS, toolCall("delete_order")],
      [AGENT, toolCall("get_order")],
      [AGENT, toolCall("delete_order"), "only-ops-delete"],
      [workload("ops-x"), toolCall("delete_order"), "only-ops-delete"],
      [NOBODY, toolCall("delete_order"), "only-ops-delete"],
    ]);
  },

  "A tool for one folder": (recipe) => {
    expectOf(recipe, [
      ...SHAKEN,
      [NOBODY, LIST],
      [NOBODY, read("/srv/public/a.md")],
      [NOBODY, read("/srv/public/deep/er/b.md")],
      [NOBODY, read("/etc/passwd"), DEFAULT],
      [NOBODY, read("/srv/public"), DEFAULT],
      [NOBODY, read("/srv/public/../../etc/passwd"), DEFAULT],
      [NOBODY, read(`/srv/public/${"a/".repeat(200)}../x`), DEFAULT],
      [NOBODY, read(["/srv/public/a.md"]), DEFAULT],
      [NOBODY, read(undefined), DEFAULT],
      [NOBODY, request("tools/call", { name: "read_file" }), DEFAULT],
      [NOBODY, request("tools/call", { name: "write_file", arguments: { path: "/srv/public/a.md" } }), DEFAULT],
    ]);
  },

  "Admin tools by a group in the token": (recipe) => {
    const user = token("https://login.example", "staff");
    const admin = token("https://login.example", "staff", "mcp-admins");
    const forged = token("https://elsewhere.example", "mcp-admins");
    expectOf(recipe, [
      ...SHAKEN,
      [admin, toolCall("admin_reset")],
      [admin, toolCall("search_docs")],
      [user, toolCall("search_docs")],
      [user, LIST],
      [user, toolCall("admin_reset"), DEFAULT],
      [user, request("resources/read", { uri: "file:///a" }), DEFAULT],
      [forged, toolCall("admin_reset"), DEFAULT],
      [forged, toolCall("search_docs"), DEFAULT],
      [NOBODY, toolCall("search_docs"), DEFAULT],
      // A certificate is no token.
      [AGENT, LIST, DEFAULT],
    ]);
  },

  "One server, two views": (recipe) => {
    const onCall = workload("on-call");
    const tools = ["shell", "run_job", "search_web", "shell_2", "other"].map((name) => ({ name }));
    const seenBy = (properties: Properties) => {
      const sent = {
        request: { headers: MCP_HEADERS, body: LIST },
        response: { headers: { "content-type": "application/json" }, body: result({ tools }) },
      };
      const list = exchange(start(recipe), sent, { properties }).stream.received.toString();
      return (JSON.parse(list) as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name);
    };
    expect(seenBy(AGENT)).toEqual(["run_job", "search_web"]);
    expect(seenBy(onCall)).toEqual(["shell", "run_job", "search_web", "shell_2", "other"]);
    expectOf(recipe, [
      ...SHAKEN,
      [AGENT, toolCall("run_job")],
      [AGENT, toolCall("shell"), "no-shell"],
      [AGENT, toolCall("other"), DEFAULT],
      [onCall, toolCall("shell")],
      [STRANGER, LIST, DEFAULT],
    ]);
    const denied = { request: { headers: MCP_HEADERS, body: toolCall("shell") }, response: { body: result() } };
    const { reply } = exchange(start(recipe), denied, { properties: AGENT }).stream;
    expect(JSON.parse(reply!.body)).toMatchObject({
      error: { data: { rule: "no-shell", hint: "Use the tool run_job, which a reviewer can see." } },
    });
  },
  "A server that may not ask": (recipe) => {
    expectOf(recipe, [
      ...SHAKEN,
      [AGENT, LIST],
      [AGENT, toolCall("anything")],
      [NOBODY, toolCall("anything"), DEFAULT],
      [STRANGER, LIST, DEFAULT],
    ]);

    const plugin = start(recipe);
    const ask = (id: string, method: string, params: object) => {
      openGet(plugin, "s").send(request(method, params, id));
      return denierOf(plugin, AGENT, result({ roots: [] }, id), inSession("s"));
    };
    expect(ask("q1", "roots/list", {})).toBeUndefined();
    expect(ask("q2", "sampling/createMessage", { messages: [] })).toBe("no-questions");
    expect(ask("q3", "elicitation/create", { message: "Your password?" })).toBe("no-questions");
    // The request is unknown, so the response may belong to one of those methods.
    expect(denierOf(plugin, AGENT, result({ action: "accept" }, "q4"))).toBe("no-questions");

    const trusted = start({ ...recipe, server: "house-tools" } as Recipe);
    openGet(trusted, "s").send(request("sampling/createMessage", { messages: [] }, "q1"));
    expect(denierOf(trusted, AGENT, result({ role: "assistant" }, "q1"), inSession("s"))).toBeUndefined();
  },
};

test("the page has exactly the tested recipes", () => {
  expect([...RECIPES.keys()]).toEqual(Object.keys(TESTS));
});

test.each([...RECIPES])("%s", (title, recipe) => {
  TESTS[title](recipe);
});

test("the page explains a denial as the filter does", () => {
  const [, section] = /^### Why was a message denied\?\n(.*?)^## /ms.exec(readFileSync("docs/access.md", "utf8"))!;
  const [audited, traced] = [...section.matchAll(/^```json\n(.*?)^```/gms)].map(
    ([, json]) => JSON.parse(json) as Record<string, unknown>,
  );
  const { access, ...others } = RECIPES.get("Agents that only read")!;
  const plugin = start({ ...others, access, log: "trace" } as Recipe);
  const properties = { ...AGENT, "source.address": "10.0.3.17:40112", "xds.cluster_name": "orders" };
  const headers = { ...inSession("s"), "x-request-id": "4f0c6a52-6d0e-4d5a-9a52-0c6ab7a3a0f1" };
  const send = (tool: string) => denierOf(plugin, properties, toolCall(tool), headers);
  const lines = (event: string) => {
    const texts = plugin.vm.logs.map(({ message }) => message).filter((text) => text.includes(`"event":"${event}"`));
    return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  };
  expect(send("delete_order")).toBe("_default");
  const [{ time, session, ...seen }] = lines("mcp_access_denied");
  expect({ ...seen, time: typeof time, session: typeof session }).toEqual({
    ...audited,
    time: typeof audited.time,
    session: typeof audited.session,
  });
  expect(lines("mcp_access_rule")[1]).toEqual(traced);
  denierOf(plugin, { ...properties, ...workload("ops") }, toolCall("get_order"), headers);
  expect(lines("mcp_access_denied")[1].nearest).toEqual({ rule: "agents-read", failed: "from[0].source.principals" });
});
