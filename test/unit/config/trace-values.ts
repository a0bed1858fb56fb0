const FLAGS = [true, false, "true", null, 0, {}];
const ATTRIBUTES = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, "x"]));

const HEADERS = [
  ...[null, [], "a=b", 1, {}, ATTRIBUTES(16), ATTRIBUTES(17), { a: 1 }, { a: null }, { a: [] }, { a: true }],
  ...["authorization", "X-MLflow-Experiment-Id", "a!#$%&'*+-.^_`|~9", "a".repeat(128), "a".repeat(129)].map((name) => ({
    [name]: "x",
  })),
  ...[
    "",
    ":path",
    "a b",
    "a:",
    "é",
    "a\n",
    "a/b",
    "host",
    "Host",
    "content-type",
    "CONTENT-LENGTH",
    "te",
    "upgrade",
  ].map((name) => ({ [name]: "x" })),
  ...["content-types", "hosts", "tee", "transfer-encoding", "x-host", "expect", "user-agent"].map((name) => ({
    [name]: "x",
  })),
  ...["Bearer a.b-c", "~!", "a  b", "x".repeat(256), "", " ", " a", "a ", "a\t", "a\r\nb", "é", "x".repeat(257)].map(
    (value) => ({ "x-key": value }),
  ),
];

/** Values for each field of `trace`, by its path: all that it may be, and what it may not. */
export const TRACE_VALUES: Record<string, unknown[]> = {
  trace: [null, [], "x", 1, {}, { cluster: "a" }, { path: "/" }, { cluster: "a", unheard: 1 }],
  "trace.cluster": [
    "a",
    "outbound|4318||otel.o11y.svc.cluster.local",
    "a".repeat(256),
    "a".repeat(257),
    "",
    null,
    1,
    {},
  ],
  "trace.path": [
    ...["/", "/v1/traces", "/api/public/otel/v1/traces?a=b", `/${"a".repeat(255)}`, `/${"a".repeat(256)}`, ""],
    ...["v1/traces", "http://a/v1/traces", "/a#b", "/a b", " /a", "/é", "/a\n", null, 1],
  ],
  "trace.authority": [
    ...["otel", "otel.example:4318", "[::1]:4318", "10.0.0.1", "a".repeat(256), "a".repeat(257), "", "a b", " a", "é"],
    ...["http://a", "a/b", "a?b", "a#b", "user:password@a", "a\\b", "a\n", "a\u007f", null, 1],
  ],
  "trace.headers": HEADERS,
  "trace.encoding": ["protobuf", "json", "JSON", "proto", "", null, 1],
  "trace.sample": [null, [], "x", {}, { unheard: 1 }],
  "trace.sample.parent": FLAGS,
  "trace.sample.ratio": [0, 1, 0.1, 1.0, 1e-9, 0.999999, 1.000001, -0.1, 2, 1e300, "0.1", null, true, {}],
  "trace.sample.errors": FLAGS,
  "trace.sample.slowerThan": [
    ...["1ms", "1.5ms", "0001ms", "500ms", "5s", "0.01s", "0.1s", "00.99s", "1.25m", "0.5h", "720h", "99999999999h"],
    ...["0ms", "0.99ms", "0s", "0.00s", "0.0h", "", "5", "s", ".5s", "1.s", "1.125s", "1d", " 1s", "1s\n", "1S", "٣s"],
    ...[`${"0".repeat(254)}1s`, `${"0".repeat(255)}1s`, 5, null, true, {}],
  ],
  "trace.parent": ["meta", "header", "Meta", "_meta", "headers", "", null, true],
  "trace.sessions": FLAGS,
  "trace.sessionKey": [null, "a".repeat(16), "a".repeat(256), "a".repeat(15), "a".repeat(257), "", 1, true, {}, []],
  "trace.setTraceparent": FLAGS,
  "trace.resource": [
    ...[{}, { "service.name": "orders" }, ATTRIBUTES(32), ATTRIBUTES(33), null, [], "a=b", 1],
    ...["a".repeat(128), "a:/\\\"'", "a".repeat(129), "", "a b", "é", "a\n"].map((name) => ({ [name]: "x" })),
    ...["é", " ", "a\nb", "x".repeat(256), "x".repeat(257), "", 1, true, null, {}, []].map((value) => ({ a: value })),
  ],
};
