const WORDS = ["enforce", "shadow", "ALLOW", "DENY", "allow", "", null, 1, {}, []];
const FORMS = ["error", "result", "status", "errors", "", null, 1];
const STATUSES = [399, 400, 403.0, 404.5, 599, 600, "403", null];
/** Also those of `identity`. */
export const SOURCES = [
  ...[[], ["jwt"], ["jwt", "filter_state", "peer_certificate", "x-forwarded-client-cert"], ["x"], [1]],
  ...["jwt", null],
];
export const PAYLOAD_KEYS = ["", "x", "a".repeat(256), "a".repeat(257), null, 1];
/** Also those of `hold`. */
export const BODIES = [
  ...["1023B", "1024B", "01024B", "1099B", "1100B", "9999B", "10000B", "9999999B", "59999999B", "60000000B"],
  ...["66999999B", "67000000B", "67099999B", "67108863B", "67108864B", "67108865B", "67108870B", "67109000B"],
  ...["67110000B", "67200000B", "68000000B", "70000000B", "100000000B", "0KiB", "1KiB", "9KiB", "65535KiB"],
  ...["65536KiB", "65537KiB", "65540KiB", "65600KiB", "66000KiB", "70000KiB", "100000KiB", "0MiB", "1MiB", "63MiB"],
  ...["64MiB", "064MiB", "65MiB", "70MiB", "100MiB", "1GiB", "64", "", "1.5MiB", 65536, null],
];
const ORIGINS = [
  [],
  ["*"],
  ["https://app.example"],
  ["https://app.example:8443", "http://[::1]:80", "vscode-webview://a", "*"],
  ...["https://App.example", "HTTPS://app.example", "https://app.example/", "https://*.example", "app.example"].map(
    (o) => [o],
  ),
  ...["", "https://", "://a", "a/b://c", "https://a b", "https://é", "null", `https://${"a".repeat(249)}`].map((o) => [
    o,
  ]),
  [1],
  [null],
  Array<string>(32).fill("*"),
  Array<string>(33).fill("*"),
  "*",
  null,
  {},
];
const LIST_OF_TEXTS = [["a"], ["*"], [""], ["a", "b"], [], ["a".repeat(257)], [1], [null], "a", null, {}];
const PRINCIPALS = [["*"], ["spiffe://a/*"], ["*x", "a://b"], [], ["a".repeat(257)], [1], [null], "a", null, {}];
const BLOCKS = [
  ["10.0.0.0/8"],
  ["::1", "1.2.3.4"],
  ["2001:DB8::/32"],
  [],
  ["x"],
  [""],
  ["10.0.0.0/"],
  [1],
  "::1",
  null,
];
const METHODS = [["@handshake"], ["tools/*", "@handshake"], ["*"], [""], ["@all"], ["@"], [], [1], "ping", null];
const SCALARS = [
  ...[["a", 5, true, false], [0], [2147483647], [""], ["a".repeat(256)]],
  ...[[null], [], [1.5], [-1], [2147483648], [[]], [{}], ["a".repeat(257)], "a", 1, null, {}],
];
const KEYS = [
  ...["mcp.protocolVersion", "mcp.clientName", "mcp.arguments[a]", "mcp.arguments[a.b][c][d][e]", "mcp.arguments[\\]"],
  ...["mcp.arguments[*]", "mcp.arguments[a][b*]"],
  ...["mcp.arguments", "mcp.arguments[]", "mcp.arguments[a][b][c][d][e]", "mcp.arguments[é]", "mcp.arguments[a b]"],
  ...[
    `mcp.arguments[${"a".repeat(64)}]`,
    `mcp.arguments[${"a".repeat(65)}]`,
    "mcp.x",
    "",
    "mcp.arguments[a]]",
    "mcp.arguments[[a]",
    null,
    5,
  ],
];
const HINTS = [
  ...["Use search_public instead.", 'Quote " and \\', "a".repeat(200), "a".repeat(201), "", "é"],
  ...["a\nb", "\u0000", "\u007f", "\u0085", "\u2028", null, 5, ["a"], {}],
];

/** Rules that are good but for one field. */
function rules(fields: readonly object[]): unknown[] {
  return fields.map((field) => [{ name: "r", action: "DENY", ...field }]);
}

const sources = (values: unknown[], name: string) =>
  rules(values.map((value) => ({ from: [{ source: { [name]: value } }] })));
const operations = (values: unknown[], name: string) =>
  rules(values.map((value) => ({ to: [{ operation: { [name]: value } }] })));
const claims = (values: unknown[]) => sources(values, "claims");

const RULES = [
  ...[[], {}, "x", [null], ["x"], [{}], [{ name: "a" }], [{ action: "DENY" }]],
  ...[120, 121].map((count) => Array.from({ length: count }, (_, i) => ({ name: `r${i}`, action: "ALLOW" }))),
  ...rules([
    ...["a", "a".repeat(63), "A0_.-", "", "_a", "-a", "a b", "é", "a".repeat(64), 5].map((name) => ({ name })),
  ]),
  ...rules(HINTS.flatMap((hint) => [{ hint }, { hint, action: "ALLOW" }])),
  ...rules(WORDS.flatMap((word) => [{ action: word }, { mode: word }])),
  ...rules([{}, null, "x", [{}], [null], [{ x: 1 }]].flatMap((value) => [{ from: value }, { to: value }])),
  ...rules([{ from: [] }, { to: [] }, { when: [] }, { when: {} }, { when: [null] }, { when: [{}] }, { unheard: 1 }]),
  ...rules([{}, [], null].flatMap((value) => [{ from: [{ source: value }] }, { to: [{ operation: value }] }])),
  ...rules([{ from: [{ source: { anonymous: true }, x: 1 }] }, { to: [{ operation: { tools: ["a"] }, x: 1 }] }]),
  ...["principals", "notPrincipals"].flatMap((name) => sources(PRINCIPALS, name)),
  ...["trustDomains", "notTrustDomains"].flatMap((name) => sources(LIST_OF_TEXTS, name)),
  ...["ipBlocks", "notIpBlocks"].flatMap((name) => sources(BLOCKS, name)),
  ...sources([true, false, "x", null], "anonymous"),
  ...rules([true, false].map((anonymous) => ({ from: [{ source: { anonymous, notPrincipals: ["*"] } }] }))),
  ...sources([1], "unheard"),
  ...claims([[], {}, [null], [{}], [{ path: ["a"] }], [{ values: ["a"] }], [{ path: [], values: ["a"] }]]),
  ...claims(
    LIST_OF_TEXTS.flatMap((value) => [[{ path: ["a", "b"], values: value }], [{ path: value, notValues: ["a"] }]]),
  ),
  ...claims([[{ path: ["a"], values: ["b"], unheard: 1 }]]),
  ...claims(
    [
      ["a", "b", "c", "d"],
      ["a", "b", "c", "d", "e"],
      ["*"],
      ["a*"],
      ["é"],
      ["a b"],
      ["a".repeat(128)],
      ["a".repeat(129)],
    ].map((path) => [{ path, values: ["b"] }]),
  ),
  ...["methods", "notMethods"].flatMap((name) => operations(METHODS, name)),
  ...["tools", "notTools", "prompts", "notPrompts", "resources", "notResources", "servers", "notServers"].flatMap(
    (name) => operations(LIST_OF_TEXTS, name),
  ),
  ...operations(["client_to_server", "server_to_client", "both", null], "direction"),
  ...operations([1], "unheard"),
  ...rules(
    ["tools", "notTools", "prompts", "notPrompts", "resources", "notResources", "servers"].flatMap((one, i, all) =>
      all.slice(i).map((other) => ({ to: [{ operation: { [one]: ["a"], [other]: ["b"] } }] })),
    ),
  ),
  ...rules(KEYS.map((key) => ({ when: [{ key, values: ["a"] }] }))),
  ...rules(SCALARS.map((values) => ({ when: [{ key: "mcp.clientName", values }] }))),
  ...rules([16, 17].map((count) => ({ when: Array<object>(count).fill({ key: "mcp.clientName", values: ["a"] }) }))),
  ...rules(
    SCALARS.flatMap((value) => [
      { when: [{ key: "mcp.arguments[a]", values: value }] },
      { when: [{ key: "mcp.arguments[a]", values: ["a"], notValues: value }] },
    ]),
  ),
  ...rules([{ when: [{ key: "mcp.clientName", values: [] }] }, { when: [{ key: "mcp.clientName", unheard: ["a"] }] }]),
];

const PIN = "0123456789abcdef".repeat(4);
const PINS = [
  ...[[], {}, "x", null, [null], ["x"], [{}], [{ tools: {} }], [{ tools: [] }], [{ tools: null }]],
  ...[PIN, PIN.slice(1), `${PIN}0`, PIN.toUpperCase(), PIN.replace("0", "g"), "", null, 1].map((pin) => [
    { tools: { t: pin } },
  ]),
  ...["", "a", "a".repeat(255), "a".repeat(256), "é b", "*"].map((name) => [{ tools: { [name]: PIN } }]),
  ...["enforce", "observe", "shadow", "Enforce", "", null].map((mode) => [{ mode, tools: { t: PIN } }]),
  ...[...LIST_OF_TEXTS, ["a", "a"], Array.from({ length: 65 }, (_, i) => `s${i}`)].map((servers) => [
    { servers, tools: { t: PIN } },
  ]),
  ...[64, 65].map((count) => Array.from({ length: count }, (_, i) => ({ servers: [`s${i}`], tools: { t: PIN } }))),
  [{ tools: { t: PIN }, unheard: 1 }],
];

/** Values for each field of `access`, by its path: all that it may be, and what it may not. */
export const ACCESS_VALUES: Record<string, unknown[]> = {
  access: [null, [], "x", {}, { rule: [] }],
  "access.mode": WORDS,
  "access.defaultAction": WORDS,
  "access.lists": ["filter", "pass", "Filter", "filters", "", true, null, 1],
  "access.principalSources": SOURCES,
  "access.jwtPayloadKey": PAYLOAD_KEYS,
  "access.holdHeaders": [true, false, "true", null, 0],
  "access.maxBodyBytes": BODIES,
  "access.denial": [null, [], "x", {}, { code: 1 }],
  "access.denial.form": FORMS,
  "access.denial.status": STATUSES,
  "access.denial.cors": ORIGINS,
  "access.audit": [null, [], "x", {}, { lines: 1 }],
  "access.audit.perSecond": [0, 1, 1000, 1001, -1, 1.5, "1", null],
  "access.audit.arguments": [true, false, "true", null, 0],
  "access.pins": PINS,
  "access.rules": RULES,
};
