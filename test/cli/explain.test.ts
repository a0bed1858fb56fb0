/** `explain` as users run it: what it prints about rules, limits and their keys. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Configuration } from "../../scripts/explain/configuration.ts";
import { type Asked, explain } from "../../scripts/explain/explain.ts";
import { elementsOf } from "../../scripts/explain/json.ts";
import { explanationLines } from "../../scripts/explain/text.ts";
import { request, toolCall } from "../host/filter/filter.ts";
import { type Ended, runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-explain-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const match = { paths: ["/mcp"] };
const CALL = toolCall("get_order");
const GUARDED = {
  match,
  access: { rules: [{ name: "read", action: "ALLOW", to: [{ operation: { tools: ["get_*"] } }] }] },
};

function explained(args: readonly string[], configuration: unknown = GUARDED, body = CALL): Promise<Ended> {
  const config = file("config.json", configuration);
  return runCli(["explain", "--config", config, "--request", "-", ...args], body);
}

describe("the command", () => {
  it("prints what docs/cli.md shows", async () => {
    const [, section] = /^## explain\n(.*?)^## /ms.exec(readFileSync("docs/cli.md", "utf8"))!;
    const [config, message] = [...section.matchAll(/^```json\n(.*?)^```/gms)].map(([, json]) => json);
    const [, command, output] = /^```console\n\$ npx mcp-proxy-wasm (.*?)\n((?! ).*?)^```/ms.exec(section)!;
    file("access.json", config);
    file("call.json", message);
    const args = command.split(/[\s\\]+/).map((arg) => (arg.endsWith(".json") ? join(folder, arg) : arg));
    expect(await runCli(args)).toEqual({ code: 1, stdout: output, stderr: "" });
  });

  it.each<[title: string, args: string[], configuration: unknown, body: string, code: number, text: RegExp]>([
    ["an allowed call", [], GUARDED, CALL, 0, /^tools\/call get_order \(id 1\): allowed by read\n/],
    ["a denied call", [], GUARDED, toolCall("rm"), 1, /^tools\/call rm \(id 1\): denied: no rule applies\n/],
    ["a path without a policy", ["--path", "/x"], GUARDED, CALL, 0, /match\.paths does not name \/x/],
    ["no policy", [], { match }, CALL, 0, /allowed: the configuration has no access policy/],
    ["a shadow policy", [], { match, access: { mode: "shadow" } }, CALL, 0, /Enforced, it would deny this: no rule/],
    ["a refused request", [], GUARDED, "{", 1, /: refused: not_json\n/],
    ["another content type", ["--header", "content-type: text/plain"], GUARDED, CALL, 1, /refused: content_type/],
  ])("explains %s", async (_title, args, configuration, body, code, text) => {
    const ended = await explained(args, configuration, body);
    expect(ended.stdout).toMatch(text);
    expect(ended.code).toBe(code);
    expect(ended.stderr.replace(/^warning: .*\n/, "")).toBe("");
  });

  it("prints the filter's errors about an invalid configuration", async () => {
    const { code, stdout, stderr } = await explained([], { access: { defaultAction: "ALLOW", mode: "shade" } });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: access\.mode: expected/m);
    expect(stderr).toMatch(/^error: access: match\.paths is required/m);
  });

  it.each<[args: string[], message: RegExp]>([
    [[], /^error: required option '--config <file>' not specified/],
    [["--config", "none.json", "--request", "-"], /^error: none\.json cannot be read \(ENOENT\)\.\n$/],
    [["--config", "-", "--request", "-"], /^error: Only one of --config and --request can be standard input/],
    [["--config", "-"], /^error: A POST has a body: give it with --request\.\n$/],
    [["--config", "-", "--request", "package.json", "--claims", "[1]"], /^error: .*(claims|\[1\])/],
    [["--config", "-", "--request", "package.json", "--address", "host"], /must be an IPv4 or IPv6 address/],
  ])("with %j says in one line what is wrong", async (args, message) => {
    const { code, stdout, stderr } = await runCli(["explain", ...args], "{}");
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("escapes control characters and bidirectional overrides, as text and as JSON", async () => {
    const name = "rm\u001b[2J\u202e\u009b";
    const [text, json] = await Promise.all(
      [[], ["-o", "json"]].map((args) => explained(args, GUARDED, toolCall(name))),
    );
    for (const { stdout } of [text, json]) {
      for (const character of ["\u001b", "\u202e", "\u009b"]) expect(stdout).not.toContain(character);
    }
    expect(text.stdout).toContain("rm\\u{1b}[2J\\u{202e}\\u{9b}");
    expect(JSON.parse(json.stdout)).toMatchObject({
      decision: "denied",
      messages: [{ target: name, rule: "_default" }],
    });
  });
});

/** The explanation of a POST to /mcp. */
function explanationOf(configuration: object, body: string, asked: Partial<Asked> = {}) {
  const whole = { method: "POST", path: "/mcp", headers: {}, caller: {}, ...asked, body };
  const explanation = explain(configuration as Configuration, whole);
  return { ...explanation, text: explanationLines(explanation, configuration as Configuration, whole).join("\n") };
}

describe("rules", () => {
  const rules = [
    { name: "trial", action: "DENY", mode: "shadow", to: [{ operation: { tools: ["get_*"] } }] },
    {
      name: "team",
      action: "ALLOW",
      from: [{ source: { principals: ["spiffe://a/*"], claims: [{ path: ["team"], values: ["red"] }] } }],
      when: [{ key: "mcp.arguments[text]", values: ["a*", "b*"], notValues: ["*z"] }],
    },
    { name: "odd", action: "DENY", to: [{ operation: { notTools: ["get_*"] } }] },
    { name: "all", action: "ALLOW" },
    { name: "never", action: "ALLOW" },
  ];

  it("are explained up to the one that decides, with what each expected and got", () => {
    const caller = { principal: "spiffe://a/x", claims: { team: "blue" } };
    const { messages, text } = explanationOf({ match, access: { rules } }, CALL, { caller });
    expect(messages[0].access).toMatchObject({ rule: "all", shadow: [{ rule: "trial", action: "deny" }] });
    expect(text).toContain(
      [
        "  trial (DENY, shadow: decides nothing) applies",
        "  team (ALLOW) does not apply:",
        '    from[0].source.claims[0]: expected claim ["team"] "red", got "blue"',
        '    when[0]: expected mcp.arguments[text] one of "a*", "b*" and not "*z", got "hello"',
        "  odd (DENY) does not apply:",
        '    to[0].operation.notTools: expected not "get_*", got "get_order"',
        "  all (ALLOW) applies and decides",
        "  1 more: not asked",
      ].join("\n"),
    );
  });

  it("that deny what they cannot determine say so", () => {
    const rule = { name: "no", action: "DENY", when: [{ key: "mcp.clientName", values: ["x"] }] };
    const { text } = explanationOf({ match, access: { defaultAction: "ALLOW", rules: [rule] } }, CALL);
    expect(text).toContain(
      'no (DENY) applies and decides:\n    when[0]: expected mcp.clientName "x", got nothing; cannot be',
    );
  });

  it("of each message of a batch, with the answer that the client receives", () => {
    const body = `[${toolCall("get_a", 1)}, ${toolCall("rm", 2)}]`;
    const { decision, messages } = explanationOf(GUARDED, body);
    expect(decision).toBe("denied");
    expect(messages.map((message) => [message.decision, message.answer?.body])).toEqual([
      ["allowed", undefined],
      ["denied", expect.objectContaining({ id: 2, error: expect.objectContaining({ code: 403 }) })],
    ]);
  });
});

describe("limits", () => {
  const parts = ["principal", "tool", "client", "address", "server", "method", { claim: ["team"] }];
  const rule = { name: "calls", key: parts, requests: { amount: 60, per: "1m", burst: 3 } };
  const keyOf = (configuration: object, body: string, asked?: Partial<Asked>) =>
    explanationOf(configuration, body, asked).messages[0].limits[0].key.map(({ value }) => value);
  const limited = { match, identity: { principalSources: ["peer_certificate", "jwt"] }, limits: { rules: [rule] } };
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "agent", version: "1" },
  };

  it("have the values of the request in their key, as far as the filter knows them", () => {
    const body = request("tools/call", { name: "get_order", arguments: {}, _meta: meta });
    const caller = { principal: "spiffe://a/x", address: "10.0.0.1", cluster: "shop", claims: { team: ["red", "x"] } };
    expect(keyOf(limited, body, { caller })).toEqual([
      ...["spiffe://a/x", "get_order", "agent", "10.0.0.1", "shop", "tools/call"],
      ["red", "x"],
    ]);
    expect(keyOf(limited, request("invented/method"))).toEqual([null, null, null, null, null, "_OTHER", null]);
    expect(keyOf(limited, CALL, { caller: { principal: "https://i/u" } })[0]).toBe("https://i/u");
    expect(keyOf(limited, CALL, { caller: { claims: { iss: "https://i", sub: "u" } } })[0]).toBe("https://i/u");
  });

  it("by session beside a rule without it", () => {
    const rules = [
      { ...rule, name: "all", key: [] },
      { ...rule, key: ["session"] },
    ];
    const { messages } = explanationOf({ match, limits: { rules } }, CALL, { headers: { "mcp-session-id": "s1" } });
    expect(messages[0].limits.map(({ key }) => key)).toEqual([[], [{ part: "session", value: "s1" }]]);
  });

  it("apply as far as the filter limits such requests", () => {
    const all = { ...rule, key: [], concurrency: 4, repeats: { amount: 2, per: "1m" }, queue: {} };
    const configuration = { match, limits: { rules: [all] } };
    const whole = { amount: 60, per: "1m", burst: 3 };
    const queue = { maxWait: "2s", maxLength: 100 };
    expect(explanationOf(configuration, CALL).messages[0].limits).toEqual([
      {
        name: "calls",
        mode: "enforce",
        key: [],
        requests: whole,
        concurrency: 4,
        repeats: { amount: 2, per: "1m", burst: 2 },
        queue,
      },
    ]);
    expect(explanationOf(configuration, request("tools/list")).messages[0].limits).toEqual([
      { name: "calls", mode: "enforce", key: [], requests: whole, concurrency: 4, queue },
    ]);
    expect(explanationOf(configuration, request("ping")).messages[0].limits).toEqual([]);
  });

  it("reject the messages of a batch that is larger than their burst", () => {
    const body = `[${[1, 2, 3, 4].map((id) => toolCall("a", id)).join()}]`;
    const { messages } = explanationOf(limited, body);
    expect(messages.map(({ decision }) => decision)).toEqual(["allowed", "allowed", "allowed", "limited"]);
    expect(messages[3]).toMatchObject({ rule: "calls", answer: { body: { id: 4, error: { code: 429 } } } });
  });

  it("of streams that a GET opens", () => {
    const streams = { name: "streams", key: [], to: [{ operation: { methods: ["GET"] } }], concurrency: 5 };
    const asked = { method: "GET", path: "/mcp", headers: {}, caller: {} };
    const { messages } = explain({ match, limits: { rules: [streams] } }, asked);
    expect(messages[0].limits).toEqual([{ name: "streams", mode: "enforce", key: [], concurrency: 5 }]);
  });
});

it("finds the elements of an array as they are written", () => {
  const elements = ['{"a":[1,{"b":"],\\"{"}]}', "1.0", '"x,]"', "[ ]"];
  expect(elementsOf(` [ ${elements.join(" , ")} ] `)).toEqual(elements);
  expect(elementsOf("[ ]")).toEqual([]);
});
