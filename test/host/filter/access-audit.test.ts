/** Tests the audit log: a line for each denial, and what it shows of the request. */
import { describe, expect, test } from "vitest";
import { requestHead } from "../../../scripts/host/index.ts";
import { batch, MCP_HEADERS, notification, request, result, toolCall } from "./filter.ts";
import { ask, auditOf, startGuarded, tools } from "./access.ts";
import { ENDPOINT, openStream, POST_HEADERS } from "./http-sse.ts";
import { inSession } from "./open-stream.ts";
import { has } from "./matrix.ts";

const FAMILY = "mcp_access_decisions_total";
const NO_RM = tools("DENY", "no-rm", "rm");
const me = { properties: { "connection.uri_san_peer_certificate": "spiffe://a/me" } };
const HASH = expect.stringMatching(/^[0-9a-f]{16}$/) as string;
/** The members of every line. */
const ALWAYS = {
  event: "mcp_access_denied",
  mode: "enforce",
  time: "2026-11-18T11:06:40.000Z",
  request_id: "00000000-0000-4000-8000-000000000000",
  address: "192.0.2.1",
};

describe("the audit", () => {
  const audited = (audit: object, more: object = {}) => startGuarded({ rules: [NO_RM], audit, ...more });

  test.runIf(has("principals"))("has a line for each denial, of level warn: who, what and which rule", () => {
    const plugin = audited({});
    ask(plugin, toolCall("rm"), me);
    ask(plugin, request("resources/read", { uri: "https://u:p@a.example/x" }));
    ask(plugin, request("resources/read", { uri: "a://b/c?token=secret#x" }));
    ask(plugin, "{}", me);
    const common = { ...ALWAYS, server: "tools", session: HASH };
    const target = "a://b/c";
    expect(auditOf(plugin)).toEqual([
      { ...common, rule: "no-rm", principal: "spiffe://a/me", method: "tools/call", target: "rm" },
      { ...common, rule: "_default", method: "resources/read" },
      { ...common, rule: "_default", method: "resources/read", target },
      { ...ALWAYS, rule: "_refused", principal: "spiffe://a/me", reason: "no_message" },
    ]);
  });

  test("has no line for allowed messages", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW" });
    ask(plugin, toolCall("echo"));
    expect(auditOf(plugin)).toEqual([]);
  });

  test("has no arguments, unless configured: then those that rules name", () => {
    const rules = [
      {
        ...NO_RM,
        when: [
          { key: "mcp.arguments[path]", values: ["/*"] },
          { key: "mcp.arguments[a][b]", notValues: [0] },
        ],
      },
    ];
    const call = request("tools/call", { name: "rm", arguments: { path: '/x"\n', a: { b: 5 }, secret: "s" } });
    const plain = audited({}, { rules });
    ask(plain, call);
    expect(JSON.stringify(plain.vm.logs)).not.toContain("/x");
    const plugin = audited({ arguments: true }, { rules });
    ask(plugin, call);
    expect(auditOf(plugin)).toMatchObject([{ rule: "no-rm", arguments: { path: '/x"\n', "a.b": "5" } }]);
    expect(JSON.stringify(plugin.vm.logs)).not.toContain("secret");
  });

  test.runIf(has("principals"))("is valid JSON for all names, also for those that are cut", () => {
    const rules = [{ name: "x", action: "DENY", when: [{ key: "mcp.arguments[path]", values: ["*"] }] }];
    const plugin = audited({ arguments: true, perSecond: 1000 }, { rules });
    for (const text of [
      `${"x".repeat(255)}é`,
      `${"x".repeat(254)}€`,
      `${"x".repeat(253)}😀`,
      '"\\\u007f\u2028',
      "é".repeat(200),
    ]) {
      ask(plugin, request("tools/call", { name: text, arguments: { path: text } }), {
        properties: { "connection.uri_san_peer_certificate": text },
      });
    }
    const lines = auditOf(plugin);
    expect(lines).toHaveLength(5);
    for (const { target, principal } of lines) expect(target).toBe(principal);
    expect(lines[0].target).toBe("x".repeat(255));
  });

  test("is limited per second, and reports how many lines were omitted", () => {
    const plugin = audited({ perSecond: 3 });
    for (let i = 0; i < 10; i++) ask(plugin, toolCall("rm"));
    expect(auditOf(plugin)).toHaveLength(3);
    plugin.vm.clock.advance(1000);
    for (let i = 0; i < 2; i++) ask(plugin, toolCall("rm"));
    expect(auditOf(plugin).map(({ dropped }) => dropped)).toEqual([...[undefined, undefined, undefined], 7, undefined]);
    expect(plugin.vm.metrics.counter(FAMILY, { mcp_access_rule: "no-rm" })).toBe(12);
  });

  test("has no line if disabled", () => {
    const plugin = audited({ perSecond: 0 });
    ask(plugin, toolCall("rm"));
    expect(auditOf(plugin)).toEqual([]);
  });
});

describe("a line shows of its request", () => {
  const denied = (asking: object = {}, body = toolCall("rm")) => {
    const plugin = startGuarded({ rules: [NO_RM] });
    ask(plugin, body, asking);
    return auditOf(plugin)[0];
  };

  test("when it was denied, in UTC", () => {
    const plugin = startGuarded({ rules: [NO_RM] });
    plugin.vm.clock.advance(86_400_000 + 7);
    ask(plugin, toolCall("rm"));
    expect(auditOf(plugin)[0].time).toBe("2026-11-19T11:06:40.007Z");
  });

  test.each([
    ["as it came", "a-B.9/~ x", "a-B.9/~ x"],
    ["64 bytes of it", "i".repeat(65), "i".repeat(64)],
    ["without what is not printable ASCII", 'a\u0000\tb\u007fé"\\', 'a??b???"\\'],
  ])("its id, %s", (_, id, shown) => {
    expect(denied({ headers: { ...MCP_HEADERS, "x-request-id": id } }).request_id).toBe(shown);
  });

  test("no id if the proxy has none", () => {
    const plugin = startGuarded({ rules: [NO_RM] });
    const stream = plugin.stream();
    const head = [[":path", "/mcp"], [":method", "POST"], ...Object.entries(MCP_HEADERS)] as [string, string][];
    stream.requestHeaders(head);
    stream.requestBody(Buffer.from(toolCall("rm")), true);
    expect(auditOf(plugin)[0]).not.toHaveProperty("request_id");
  });

  test.each([
    ["10.1.2.3:4711", "10.1.2.3"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["/var/run/client.sock", undefined],
    ["", undefined],
  ])("the address of its client, %j as %j", (address, shown) => {
    expect(denied({ properties: { "source.address": address } }).address).toBe(shown);
    expect(denied({ properties: { "source.address": address } }, "{}").address).toBe(shown);
  });

  test("the path of the rejected member, without its value", () => {
    const when = [{ key: "mcp.arguments[pa.th][q]", values: ["x"] }];
    const plugin = startGuarded({ rules: [{ ...NO_RM, when }], maxBodyBytes: "1KiB" });
    const refused = (body: string) => {
      ask(plugin, body);
      plugin.vm.clock.advance(1000);
      const { reason, member, limit } = auditOf(plugin).at(-1);
      return [reason, member, limit];
    };
    expect(refused('{"id":1,"method":"s3cret","method":"s3cret"}')).toEqual(["duplicate_key", "method", undefined]);
    expect(refused('{"id":1,"method":"a","params":{"Name":"s3cret"}}')).toEqual([
      "case_variant_key",
      "params.name",
      undefined,
    ]);
    expect(refused('{"id":1,"method":"a","params":{"ref":{"\\u0075ri":"s3cret"}}}')).toEqual([
      "escaped_key",
      "params.ref.uri",
      undefined,
    ]);
    const twice = '{"id":1,"method":"a","params":{"arguments":{"pa.th":{"q":"s3cret","q":"s3cret"}}}}';
    expect(refused(twice)).toEqual(["duplicate_key", "params.arguments.pa.th.q", undefined]);
    expect(refused('{"id":1,"method":"a","params":{"name":"s3cret\\u0000"}}')).toEqual([
      "bad_text",
      "params.name",
      undefined,
    ]);
    expect(refused('{"id":1,"method":"a","params":{"s3cret\\u0000":1}}')).toEqual(["bad_text", undefined, undefined]);
    expect(refused("{")).toEqual(["not_json", undefined, undefined]);
    expect(refused(toolCall("x".repeat(2000)))).toEqual(["too_large", undefined, 1024]);
    expect(JSON.stringify(plugin.vm.logs)).not.toContain("s3cret");
  });

  test("the header that does not match the body or is missing", () => {
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
    const call = request("tools/call", { name: "echo", _meta: meta });
    const said = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
    const mode = (mode: string, headers: object) => {
      const plugin = startGuarded({ mode, rules: [NO_RM, tools("ALLOW", "rest", "*")] });
      ask(plugin, call, { headers: { ...said, ...headers }, response: { status: 400 } });
      return auditOf(plugin);
    };
    for (const each of ["enforce", "shadow"]) {
      const refused = { reason: "header_mismatch", mode: each };
      expect(mode(each, {})).toMatchObject([{ ...refused, header: "Mcp-Method" }]);
      expect(mode(each, { "mcp-method": "s3cret" })).toMatchObject([{ ...refused, header: "Mcp-Method" }]);
      const named = { "mcp-method": "tools/call", "mcp-name": "s3cret" };
      expect(mode(each, named)).toMatchObject([{ ...refused, header: "Mcp-Name" }]);
      expect(JSON.stringify(mode(each, named))).not.toContain("s3cret");
    }
  });

  test("the member that would have been rejected, in a dry run", () => {
    const plugin = startGuarded({ mode: "shadow" });
    ask(plugin, '{"id":1,"method":"ping","id":1}', { response: { status: 400 } });
    expect(auditOf(plugin).at(-1)).toMatchObject({ reason: "duplicate_key", member: "id" });
  });
});

describe.runIf(has("filterState"))(
  "a denied request has the same session as one that passes, in the audit and in the access log",
  () => {
    const policy = { rules: [NO_RM, tools("ALLOW", "rest", "echo")] };
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "agent", version: "1" },
    };
    const modern = (name: string) => ({
      ...{ ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name },
    });

    test.each<[string, (name: string) => string, (name: string) => Record<string, string>]>([
      ["that names one", (name) => toolCall(name), () => inSession("s3cret")],
      ["without one", (name) => toolCall(name), () => MCP_HEADERS],
      ["of 2026-07-28", (name) => request("tools/call", { name, _meta: meta }), modern],
      [
        "of 2026-07-28 by its body",
        (name) => request("tools/call", { name, _meta: meta }),
        (name) => ({ ...MCP_HEADERS, "mcp-session-id": "s3cret", "mcp-method": "tools/call", "mcp-name": name }),
      ],
      [
        "of 2026-07-28 whose client has a name that is too long",
        (name) => {
          const clientInfo = { name: "a".repeat(65), version: "1" };
          return request("tools/call", { name, _meta: { ...meta, "io.modelcontextprotocol/clientInfo": clientInfo } });
        },
        modern,
      ],
    ])("%s", (_, call, headers) => {
      const plugin = startGuarded(policy);
      const passed = ask(plugin, call("echo"), { headers: headers("echo") });
      expect(passed.reply).toBeUndefined();
      const session = passed.stream.state.get("mcp.session");
      expect(session).toEqual(HASH);
      const { stream, reply } = ask(plugin, call("rm"), { headers: headers("rm") });
      expect(reply).toBeDefined();
      expect(stream.state.get("mcp.session")).toBe(session);
      expect(auditOf(plugin)[0].session).toBe(session);
      expect(JSON.stringify(plugin.vm.logs)).not.toContain("s3cret");
    });

    test("of HTTP+SSE", () => {
      const plugin = startGuarded(policy);
      openStream(plugin);
      const posted = { path: ENDPOINT, headers: POST_HEADERS, response: { status: 202 } };
      const session = ask(plugin, toolCall("echo"), posted).stream.state.get("mcp.session");
      expect(session).toEqual(HASH);
      expect(ask(plugin, toolCall("rm"), posted).stream.state.get("mcp.session")).toBe(session);
      expect(auditOf(plugin)[0].session).toBe(session);
    });

    test("of a batch, a notification, a response, and a rejected request", () => {
      const direction = "server_to_client";
      const noAnswers = { name: "no-answers", action: "DENY", to: [{ operation: { direction } }] };
      const plugin = startGuarded({ rules: [noAnswers, ...policy.rules] });
      const headers = inSession("s");
      const session = ask(plugin, toolCall("echo"), { headers }).stream.state.get("mcp.session");
      const bodies = [
        batch(toolCall("echo"), toolCall("rm", 2)),
        notification("notifications/x"),
        result({}, 9),
        "{}",
        "{",
      ];
      for (const body of bodies) {
        const { stream, reply } = ask(plugin, body, { headers });
        // The other call of the batch passes.
        expect(reply === undefined, body).toBe(body === bodies[0]);
        expect(stream.state.get("mcp.session"), body).toBe(session);
        expect(auditOf(plugin).at(-1).session, body).toBe(session);
      }
      const compressed = { ...headers, "content-encoding": "gzip" };
      expect(ask(plugin, "x", { headers: compressed }).stream.state.get("mcp.session")).toBe(session);
    });

    test("is empty for messages without a session that are not requests", () => {
      const plugin = startGuarded(policy);
      for (const body of [notification("notifications/x"), "{"]) {
        expect(ask(plugin, body).stream.state.get("mcp.session")).toBeUndefined();
        expect(auditOf(plugin).at(-1)).not.toHaveProperty("session");
      }
    });

    test("a denied notification has its method in the access log", () => {
      const { stream } = ask(startGuarded(policy), notification("notifications/initialized"));
      expect(stream.state.get("mcp.method")).toBe("notifications/initialized");
    });

    test("of a request whose body never arrived", () => {
      const plugin = startGuarded({ ...policy, holdHeaders: true });
      const stream = plugin.stream();
      stream.requestHeaders(requestHead({ headers: inSession("s") }));
      for (let i = 0; i < 7; i++) {
        plugin.vm.clock.advance(1000);
        plugin.tick();
      }
      expect(auditOf(plugin)).toMatchObject([{ reason: "no_body", session: HASH, address: "192.0.2.1" }]);
      expect(stream.state.get("mcp.session")).toBe(auditOf(plugin)[0].session);
    });
  },
);
