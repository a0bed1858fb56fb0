/** Tests which elements of lists callers see, by rules about callers, revisions, clients and arguments. */
import { describe, expect, test } from "vitest";

import { exchange, type Plugin, type Properties } from "../../../scripts/host/index.ts";
import { ask, auditOf, deniedBy, methods, startGuarded, tools } from "./access.ts";
import { countsBy, error, event, JSON_ANSWER, MCP_HEADERS, request, result, SSE_ANSWER } from "./filter.ts";
import { inSession, initializeResult, openGet, OpenStream } from "./open-stream.ts";
import { has } from "./matrix.ts";

const WITHHELD = "mcp_list_elements_withheld_total";
const me: Properties = { "connection.uri_san_peer_certificate": "spiffe://a/me" };
const meta = (version: string, name: string) => ({
  "io.modelcontextprotocol/protocolVersion": version,
  "io.modelcontextprotocol/clientInfo": { name, version: "1" },
});

/** The lists in responses, and the member that names their elements. */
const LISTS = {
  "tools/list": ["tools", "name"],
  "prompts/list": ["prompts", "name"],
  "resources/list": ["resources", "uri"],
  "resources/templates/list": ["resourceTemplates", "uriTemplate"],
} as const;

interface Listing {
  readonly method?: keyof typeof LISTS;
  readonly params?: object;
  readonly headers?: Record<string, string>;
  readonly properties?: Properties;
  readonly more?: object;
}

/** The response to a client that requests a list of these elements. */
function listing(plugin: Plugin, names: readonly string[], listing: Listing = {}): string {
  const { method = "tools/list", params = {}, headers = MCP_HEADERS, properties, more } = listing;
  const [list, member] = LISTS[method];
  const body = result({ [list]: names.map((name) => ({ [member]: name })), ...more });
  const sent = { request: { headers, body: request(method, params) }, response: { headers: JSON_ANSWER, body } };
  return exchange(plugin, sent, { properties }).stream.received.toString();
}

/** The names that the client sees. */
function seen(plugin: Plugin, names: readonly string[], options: Listing = {}): string[] {
  const [list, member] = LISTS[options.method ?? "tools/list"];
  const { result } = JSON.parse(listing(plugin, names, options)) as {
    result: Record<string, Record<string, string>[]>;
  };
  return result[list].map((element) => element[member]);
}

const NAMES = ["a", "b", "rm", "rm_all"];
const LISTING = methods("ALLOW", "lists", "*/list", "initialize", "resources/templates/list");

describe("a list shows what the caller may use", () => {
  test.runIf(has("principals"))("by the rules about callers", () => {
    const rules = [
      LISTING,
      { ...tools("ALLOW", "mine", "a", "rm*"), from: [{ source: { principals: ["spiffe://a/me"] } }] },
    ];
    const plugin = startGuarded({ rules });
    expect(seen(plugin, NAMES, { properties: me })).toEqual(["a", "rm", "rm_all"]);
    expect(seen(plugin, NAMES)).toEqual([]);
    expect(countsBy(plugin, WITHHELD, "mcp_method_name", "mcp_withheld_reason", "mcp_access_mode")).toEqual({
      "tools/list policy enforce": 5,
    });
    expect(auditOf(plugin)).toEqual([]);
  });

  test("by the rules about its server", () => {
    const rules = [{ name: "no", action: "DENY", to: [{ operation: { tools: ["rm*"], servers: ["vendor"] } }] }];
    const policy = { defaultAction: "ALLOW", rules };
    expect(seen(startGuarded(policy, { more: { server: "vendor" } }), NAMES)).toEqual(["a", "b"]);
    expect(seen(startGuarded(policy, { more: { server: "house" } }), NAMES)).toEqual(NAMES);
  });

  test("with some arguments", () => {
    const when = [{ key: "mcp.arguments[path]", values: ["/srv/*"] }];
    const allowing = startGuarded({ rules: [LISTING, { ...tools("ALLOW", "srv", "rm"), when }] });
    expect(seen(allowing, NAMES)).toEqual(["rm"]);
    const denying = startGuarded({ defaultAction: "ALLOW", rules: [{ ...tools("DENY", "srv", "rm"), when }] });
    expect(seen(denying, NAMES)).toEqual(NAMES);
    const unless = { ...tools("DENY", "srv", "rm*"), when: [{ key: "mcp.arguments[path]", notValues: ["/srv/*"] }] };
    expect(seen(startGuarded({ defaultAction: "ALLOW", rules: [unless] }), NAMES)).toEqual(NAMES);
  });

  test("of its revision", () => {
    const when = [{ key: "mcp.protocolVersion", values: ["2025-11-25"] }];
    const plugin = startGuarded({ rules: [LISTING, { ...tools("ALLOW", "new", "*"), when }] });
    const headers = (version: string) => ({ ...MCP_HEADERS, "mcp-protocol-version": version });
    expect(seen(plugin, NAMES, { headers: headers("2025-11-25") })).toEqual(NAMES);
    expect(seen(plugin, NAMES, { headers: headers("2025-06-18") })).toEqual([]);
    expect(seen(plugin, NAMES)).toEqual([]);
  });

  test.runIf(has("sharedData"))("by the client name in its request, or else of its session", () => {
    const when = [{ key: "mcp.clientName", values: ["good"] }];
    const rules = [LISTING, { ...tools("ALLOW", "good", "*"), when }];
    const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };
    const plugin = startGuarded({ rules });
    expect(seen(plugin, NAMES, { headers, params: { _meta: meta("2026-07-28", "good") } })).toEqual(NAMES);
    expect(seen(plugin, NAMES, { headers, params: { _meta: meta("2026-07-28", "bad") } })).toEqual([]);
    for (const name of ["good", "bad"]) {
      const session = startGuarded({ rules });
      const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } };
      const response = { headers: { "mcp-session-id": "s", ...JSON_ANSWER }, body: initializeResult("2025-11-25") };
      ask(session, request("initialize", params, 0), { response });
      expect(seen(session, NAMES, { headers: inSession("s") }), name).toEqual(name === "good" ? NAMES : []);
    }
  });

  test("of prompts, resources and templates", () => {
    const rules = [
      LISTING,
      {
        name: "p",
        action: "ALLOW",
        to: [{ operation: { prompts: ["a*"] } }, { operation: { resources: ["x:pub/*"] } }],
      },
    ];
    const plugin = startGuarded({ rules });
    expect(seen(plugin, ["a", "ab", "b"], { method: "prompts/list" })).toEqual(["a", "ab"]);
    const uris = ["x:pub/1", "x:pri/1", "X:pub/1", "x:pub/../1"];
    expect(seen(plugin, uris, { method: "resources/list" })).toEqual(["x:pub/1"]);
    const templates = ["x:{a}", "x:pub/{a}", "x:pri/{a}", "{+any}", "x:pub/1", "X:pub/{a}", "y:{a}", "x:pub/../{a}"];
    const readable = ["x:{a}", "x:pub/{a}", "{+any}", "x:pub/1"];
    expect(seen(plugin, templates, { method: "resources/templates/list" })).toEqual(readable);
    const denying = { name: "p", action: "DENY", to: [{ operation: { resources: ["x:pri/*"] } }] };
    const open = startGuarded({ defaultAction: "ALLOW", rules: [denying] });
    const kept = templates.filter((template) => !["x:pri/{a}", "X:pub/{a}", "x:pub/../{a}"].includes(template));
    expect(seen(open, templates, { method: "resources/templates/list" })).toEqual(kept);
  });

  test.runIf(has("metrics"))("completely if configured, and in shadow mode, which counts", () => {
    const policy = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm*")] };
    const passing = startGuarded({ ...policy, lists: "pass" });
    expect(seen(passing, NAMES)).toEqual(NAMES);
    expect(countsBy(passing, WITHHELD, "mcp_withheld_reason")).toEqual({});
    const shadow = startGuarded({ ...policy, mode: "shadow" });
    expect(seen(shadow, NAMES)).toEqual(NAMES);
    expect(countsBy(shadow, WITHHELD, "mcp_withheld_reason", "mcp_access_mode")).toEqual({ "policy shadow": 2 });
    const trying = startGuarded({
      defaultAction: "ALLOW",
      rules: [{ ...tools("DENY", "no-rm", "rm*"), mode: "shadow" }],
    });
    expect(seen(trying, NAMES)).toEqual(NAMES);
    expect(countsBy(trying, WITHHELD, "mcp_withheld_reason")).toEqual({});
  });

  test.runIf(has("principals"))("and is private to the caller, even if it sees everything", () => {
    const rules = [
      { name: "me", action: "ALLOW", from: [{ source: { principals: ["spiffe://a/me"] } }] },
      LISTING,
      tools("ALLOW", "a", "a"),
    ];
    const plugin = startGuarded({ rules });
    const more = { cacheScope: "public" };
    expect(listing(plugin, NAMES, { more, properties: me })).toContain('"cacheScope":"private"');
    expect(seen(plugin, NAMES, { more, properties: me })).toEqual(NAMES);
    const open = startGuarded({ defaultAction: "ALLOW", rules: [methods("DENY", "none", "resources/read")] });
    expect(listing(open, NAMES, { more })).toContain('"cacheScope":"public"');
  });

  test("with a log line for each rule and element at level trace", () => {
    const policy = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm*")] };
    const plugin = startGuarded(policy, { more: { log: "trace" } });
    seen(plugin, ["a", "rm"]);
    const lines = plugin.vm.logs.filter(({ message }) => message.includes('"method":"tools/call"'));
    expect(lines.map(({ message }) => JSON.parse(message) as object)).toMatchObject([
      { rule: "no-rm", applies: false, parts: { "to[0].operation.tools": "no" } },
      { rule: "no-rm", applies: true, decides: true, parts: { "to[0].operation.tools": "yes" } },
    ]);
  });
});

describe("a stream without a request", () => {
  const policy = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm*")] };
  const list = (names: string[]) => result({ tools: names.map((name) => ({ name })) });

  test.runIf(has("waiting"))("shows no more, is not held, and does not count as held", () => {
    const plugin = startGuarded(policy, { more: { hold: { headers: true, maxStreams: 4 } } });
    const streams = Array.from({ length: 9 }, () => openGet(plugin, "s"));
    for (const stream of streams) {
      stream.send(list(NAMES));
      expect(stream.stream.received.toString()).toBe(event(list(["a", "b"])));
      expect(stream.stream.reply).toBeUndefined();
    }
    for (const stream of streams) stream.close();
  });

  test("is not changed if nothing can be withheld", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW", rules: [methods("DENY", "no", "resources/read", "ping")] });
    const stream = openGet(plugin, "s").send(list(NAMES));
    expect(stream.stream.received.toString()).toBe(event(list(NAMES)));
    stream.close();
  });
});

describe("a request of the server", () => {
  const rules = [
    { name: "no", action: "DENY", to: [{ operation: { direction: "server_to_client", methods: ["sampling/*"] } }] },
  ];
  const question = request("sampling/createMessage", { messages: [] }, "q");

  test.runIf(has("metrics"))("is denied, counted and audited, and its error reaches the server", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW", rules });
    const stream = openGet(plugin, "s").send(question);
    expect(stream.stream.received.toString()).not.toContain("sampling");
    expect(auditOf(plugin)).toMatchObject([{ rule: "no", method: "sampling/createMessage" }]);
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action")).toEqual({
      "no deny": 1,
    });
    const accepted = { headers: inSession("s"), response: { status: 202 } };
    expect(ask(plugin, error(-32601, "q"), accepted).reply).toBeUndefined();
    openGet(plugin, "s").send(question);
    expect(ask(plugin, result({}, "q"), accepted).reply).toMatchObject({
      status: 202,
      details: "mcp_access_denied[no]",
    });
  });

  test.runIf(has("principals"))(
    "with another method passes, as does every request to callers without such a rule",
    () => {
      const others = { ...rules[0], from: [{ source: { principals: ["spiffe://b/*"] } }] };
      for (const [policy, asked] of [
        [rules, request("roots/list", {}, "q")],
        [[others], question],
      ] as const) {
        const plugin = startGuarded({ defaultAction: "ALLOW", rules: policy });
        const stream = new OpenStream(
          plugin,
          { headers: inSession("s"), body: request("tools/call", { name: "a" }) },
          me,
        );
        stream.send(asked);
        expect(stream.stream.received.toString()).toBe(event(asked));
      }
    },
  );

  test("is denied in the response to a call, whose own result follows", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW", rules });
    const response = { headers: SSE_ANSWER, body: event(question) + event(result()) };
    const sent = { request: { headers: inSession("s"), body: request("tools/call", { name: "a" }) }, response };
    const received = exchange(plugin, sent).stream.received.toString();
    expect(received).not.toContain("sampling");
    expect(received).toContain(event(result()));
    expect(ask(plugin, request("ping"), { headers: MCP_HEADERS }).reply).not.toEqual(deniedBy("no"));
  });
});
