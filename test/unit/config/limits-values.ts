import { BODIES, PAYLOAD_KEYS, SOURCES } from "./access-values.ts";

const WORDS = ["enforce", "shadow", "Enforce", "", null, 1, {}, []];
const FORMS = ["error", "result", "status", "errors", "", null, 1];
const AMOUNTS = [1, 60, 60.0, 1_000_000_000, 0, -1, 1.5, 1_000_000_001, "60", null, {}, []];
const PERIODS = [
  ...["1s", "90s", "1m", "1.5h", "720h", "720.00h", "720.0h", "0001s", "1000ms", "1000.5ms", "0.02m", "0.1m", "0.01h"],
  ...["00.5h", "43200m", "43200.0m", "43199.99m", "2592000s", "2591999.99s", "2592000000ms", "2592000000.99ms", "1.0s"],
  ...["0.25h", "0719.99h", "99h", "9999s", "599h", "43099m", "2590999s", "2591000s", "999999999ms", "2591999999ms"],
  ...["999ms", "0999ms", "0.01m", "0.00m", "0.0h", "0s", "720.01h", "721h", "800h", "1000h", "43200.01m", "43201m"],
  ...[
    "44000m",
    "50000m",
    "100000m",
    "2592000.01s",
    "2592001s",
    "3000000s",
    "10000000s",
    "2592000001ms",
    "2600000000ms",
  ],
  ...["3000000000ms", "10000000000ms", "0.99s", "", "1", "s", "1d", ".5h", "1.s", "1.125h", " 1s", "1s\n", "1S", "٣s"],
  ...[`${"0".repeat(254)}1s`, `${"0".repeat(255)}1s`, 60, null, {}, []],
];
const SIZES = [
  ...["1MiB", "64MiB", "1024MiB", "001MiB", "1GiB", "01GiB", "1024KiB", "1048576KiB", "1048575KiB", "1048576B"],
  ...["1073741824B", "1073741823B", "999999999B", "1100000B", "1050000B", "1048580B", "10000KiB", "1000MiB", "999MiB"],
  ...["0MiB", "1025MiB", "1030MiB", "1100MiB", "2000MiB", "2GiB", "0GiB", "1023KiB", "1048577KiB", "1048600KiB"],
  ...["2000000KiB", "1048575B", "1040000B", "1073741825B", "1073741830B", "1080000000B", "2000000000B", "10000000000B"],
  ...["1.5MiB", "64", "", "MiB", "1TiB", "64mib", 67_108_864, null, {}, []],
];
const PARTS = ["principal", "client", "session", "address", "tool", "server", "method"];
const CLAIMS = [
  ...[["a"], ["a", "b", "c", "d"], ["a".repeat(128)], [], ["a", "b", "c", "d", "e"], ["a".repeat(129)], ["*"], ["a b"]],
  ...[["é"], [""], [1], [null], "a", null, {}],
];
const KEYS = [
  [],
  PARTS,
  ...PARTS.map((part) => [part, "principal", { claim: ["x"] }]),
  ...PARTS.map((part) => [part]),
  ...["principals", "Principal", "", 1, null, {}, []].map((part) => [part]),
  ...CLAIMS.map((claim) => [{ claim }]),
  [{ claim: ["a"] }, { claim: ["b"] }],
  [{ claim: ["a"] }, { claim: ["a"] }],
  [{ claim: ["a"], values: ["b"] }],
  [{ claims: ["a"] }],
  [...PARTS, { claim: ["a"] }, { claim: ["b"] }],
  ...["principal", null, {}, 1],
];
const RATE = { amount: 60, per: "1m" };
const RULE = { name: "r", key: ["principal"], requests: RATE };

/** Rules that are good but for these fields. */
function rules(fields: readonly object[]): unknown[] {
  return fields.map((field) => [{ ...RULE, ...field }]);
}

const RATES = [null, 1, "x", [], {}, { amount: 1 }, { per: "1m" }, { ...RATE, unheard: 1 }, RATE];
const KINDS = [["result"], ["arguments", "structured", "result", "definitions"], ["result", "result"]];
const OTHER_KINDS = [["prompt", "resource", "sampling_request", "sampling_result"], [], ["x"], [1], "result", null, {}];
const WAITS = [
  ...["10ms", "10.5ms", "99ms", "2000ms", "0010ms", "29999.99ms", "30000ms", "30000.99ms", "0.01s", "00.99s", "0.5s"],
  ...["1s", "9.99s", "19s", "29.9s", "30s", "30.0s", "30.00s", "0.01m", "0.1m", "0.49m", "0.5m", "0.50m", "00.5m"],
  ...["0ms", "9ms", "9.99ms", "30001ms", "40000ms", "100000ms", "0s", "0.00s", "0.0s", "30.01s", "30.1s", "31s", "40s"],
  ...["100s", "0m", "0.00m", "0.51m", "0.6m", "1m", "0.01h", "1h", "", "2", "s", "1d", ".5s", "1.s", "1.125s", " 1s"],
  ...["1s\n", "1S", "٣s", `${"0".repeat(254)}1s`, `${"0".repeat(255)}1s`, 2, null, {}, []],
];
const QUEUES = [null, 1, "x", [], {}, { unheard: 1 }, { maxWait: "2s", maxLength: 100 }];
const LIMITED = [
  ...rules(["requests", "tokens", "repeats"].flatMap((kind) => RATES.map((rate) => ({ [kind]: rate })))),
  ...rules(AMOUNTS.flatMap((amount) => [{ requests: { ...RATE, amount } }, { tokens: { ...RATE, amount } }])),
  ...rules(AMOUNTS.map((amount) => ({ repeats: { ...RATE, amount } }))),
  ...rules(PERIODS.map((per) => ({ requests: { ...RATE, per } }))),
  ...rules(["1s", "1d"].flatMap((per) => [{ tokens: { ...RATE, per } }, { repeats: { ...RATE, per } }])),
  ...rules(AMOUNTS.flatMap((burst) => [{ requests: { ...RATE, burst } }, { tokens: { ...RATE, burst } }])),
  ...rules([{ repeats: { ...RATE, burst: 1 } }, { requests: { ...RATE, kinds: ["result"] } }]),
  ...rules([...KINDS, ...OTHER_KINDS].map((kinds) => ({ tokens: { ...RATE, kinds } }))),
  ...rules([1, 8.0, 100_000, 0, -1, 1.5, 100_001, "8", null, {}].map((concurrency) => ({ concurrency }))),
  ...rules(QUEUES.map((queue) => ({ queue }))),
  ...rules(WAITS.map((maxWait) => ({ queue: { maxWait } }))),
  ...rules([1, 100.0, 10_000, 0, -1, 1.5, 10_001, "8", null, {}].map((maxLength) => ({ queue: { maxLength } }))),
];
const RULES = [
  ...[[], {}, "x", [null], ["x"], [{}], [{ name: "a" }], [{ name: "a", key: [] }], [{ name: "a", requests: RATE }]],
  ...[64, 65].map((count) => Array.from({ length: count }, (_, i) => ({ ...RULE, name: `r${i}` }))),
  ...rules(["a", "a".repeat(63), "A0_.-", "", "_a", "-a", "a b", "é", "a".repeat(64), 5].map((name) => ({ name }))),
  ...rules(WORDS.map((mode) => ({ mode }))),
  ...rules([...FORMS.map((form) => ({ form })), null, [], "x", {}, { status: 429 }].map((denial) => ({ denial }))),
  ...rules(KEYS.map((key) => ({ key }))),
  ...LIMITED,
  ...["requests", "tokens", "repeats"].map((kind) => [{ name: "r", key: [], [kind]: RATE }]),
  [{ name: "r", key: [], concurrency: 1 }],
  // What policies have too: policies try it in all its forms.
  ...rules([{}, null, "x", [], [{}], [null], [{ x: 1 }]].flatMap((value) => [{ from: value }, { to: value }])),
  ...rules([{ principals: ["spiffe://*"] }, { anonymous: true }, {}, { x: 1 }].map((s) => ({ from: [{ source: s }] }))),
  ...rules(
    [
      ...[{ tools: ["a"] }, { methods: ["GET", "@handshake"] }, { methods: ["@all"] }, {}, { x: 1 }],
      ...[
        { tools: ["a"], prompts: ["b"] },
        { tools: ["a"], direction: "client_to_server" },
      ],
      ...[{ direction: "server_to_client" }, { methods: ["ping"], direction: "server_to_client" }],
    ].map((operation) => ({ to: [{ operation }] })),
  ),
  ...rules([{ when: [] }, { action: "DENY" }, { unheard: 1 }]),
];

/** Values for each field of `identity`, `hold` and `limits`, by its path: all that it may be, and what it may not. */
export const LIMITS_VALUES: Record<string, unknown[]> = {
  identity: [null, [], "x", {}, { unheard: 1 }],
  "identity.principalSources": SOURCES,
  "identity.jwtPayloadKey": PAYLOAD_KEYS,
  hold: [null, [], "x", {}, { header: true }],
  "hold.headers": [true, false, "true", null, 0],
  "hold.maxBodyBytes": BODIES,
  "hold.maxStreams": [1, 1000, 1000.0, 1_000_000, 0, -1, 1.5, 1_000_001, "1", null],
  "hold.maxBytes": SIZES,
  limits: [null, [], "x", {}, { unheard: 1 }, { defaultAction: "DENY" }],
  "limits.mode": WORDS,
  "limits.rules": RULES,
  "limits.adaptive": [null, [], "x", {}, { unheard: 1 }],
  "limits.adaptive.mode": WORDS,
  "limits.maxKeys": [64, 65_536, 1_048_576, 63, 1_048_577, 64.5, "64", null],
};
