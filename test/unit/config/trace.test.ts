/** What of `trace` is read, and what is refused without showing secrets. */
import { describe, expect, it } from "vitest";

import { DEFAULTS, read } from "./reader.ts";

const match = { paths: ["/mcp"] };

function trace(trace: unknown, rest: object = {}) {
  const { trace: shown, errors, warnings } = read(JSON.stringify({ trace, ...rest }));
  return { trace: shown, errors, warnings };
}

describe("trace", () => {
  it("has defaults", () => {
    expect(trace({ cluster: "otel" })).toEqual({
      trace: [
        "to otel at /v1/traces of  as protobuf",
        "sample parent, 0.1, errors, slower than 0 ms",
        "parent meta",
        "sessions, key ",
      ],
      errors: [],
      warnings: [],
    });
    expect(DEFAULTS.trace).toEqual([]);
  });

  it("is read whole", () => {
    const whole = {
      cluster: "outbound|4318||otel.example",
      path: "/otel/v1/traces?tenant=a",
      authority: "otel.example:4318",
      headers: { Authorization: "Bearer abc def", "x-scope-orgid": "1" },
      encoding: "json",
      sample: { parent: false, ratio: 0.25, errors: false, slowerThan: "1.5m" },
      parent: "header",
      sessions: false,
      sessionKey: "0123456789abcdef",
      setTraceparent: true,
      resource: { "service.name": "Bestellungen für A", "k8s.pod.name": "a" },
    };
    expect(trace(whole, { match, hold: { headers: true }, access: {} })).toMatchObject({
      trace: [
        "to outbound|4318||otel.example at /otel/v1/traces?tenant=a of otel.example:4318 as json",
        "sample 0.25, slower than 90000 ms",
        "parent header",
        "no sessions, key 0123456789abcdef",
        "sets traceparent",
        "headers authorization Bearer abc def x-scope-orgid 1",
        "resource service.name Bestellungen für A k8s.pod.name a",
      ],
      errors: [],
    });
  });

  it("keeps durations that no operation has as the longest", () => {
    const { trace: words } = trace({ cluster: "a", sample: { slowerThan: "99999999999h" } });
    expect(words[1]).toBe("sample parent, 0.1, errors, slower than 4294967295 ms");
  });

  it("warns where nothing holds the headers that it is to set", () => {
    const setting = { cluster: "a", setTraceparent: true };
    const warning =
      "trace.setTraceparent: no effect: request headers are held only by access or limits, and with hold.headers";
    const limits = { rules: [{ name: "r", key: [], concurrency: 1 }] };
    const access = { rules: [{ name: "r", action: "ALLOW" }] };
    const held = { match, hold: { headers: true } };
    for (const rest of [{}, held, { match, limits }, { match, access }, { match, hold: {}, access, limits }]) {
      expect(trace(setting, rest)).toMatchObject({ errors: [], warnings: [warning] });
    }
    for (const rest of [{ limits }, { access }, { access, limits }]) {
      expect(trace(setting, { ...held, ...rest })).toMatchObject({ errors: [], warnings: [] });
    }
    expect(trace(setting, { match, access: { ...access, holdHeaders: true } })).toMatchObject({ warnings: [] });
    expect(trace({ cluster: "a", setTraceparent: false })).toMatchObject({ warnings: [] });
  });

  it.each(["cluster", "authority", "encoding", "sample", "sessionKey", "setTraceparent", "resource"])(
    "is suggested for its field %s outside of it",
    (name) => {
      const { warnings } = read(JSON.stringify({ [name]: "secret" }));
      expect(warnings).toEqual([`${name}: unknown field, ignored; did you mean "trace.${name}"?`]);
    },
  );
});

describe("what is wrong with trace is an error with its path", () => {
  const value = "at most 256 visible ASCII characters, with spaces only between them";
  it.each<[unknown, ...string[]]>([
    [{}, "trace.cluster: expected the name of the collector's cluster, which is required"],
    [{ cluster: "" }, 'trace.cluster: expected a name, got ""'],
    [{ cluster: 1 }, "trace.cluster: expected a string of at most 256 bytes, got 1"],
    [{ cluster: "a", encoding: "Json" }, 'trace.encoding: expected protobuf or json, got "Json"; did you mean "json"?'],
    [{ cluster: "a", parent: "mesh" }, 'trace.parent: expected meta or header, got "mesh"'],
    [{ cluster: "a", sample: 0.1 }, "trace.sample: expected an object, got 0.1"],
    [{ cluster: "a", sample: { ratio: 1.01 } }, "trace.sample.ratio: expected a number from 0 to 1, got 1.01"],
    [{ cluster: "a", sample: { ratio: "1" } }, 'trace.sample.ratio: expected a number from 0 to 1, got "1"'],
    [{ cluster: "a", sample: { parent: 1 } }, "trace.sample.parent: expected a boolean, got 1"],
    [
      { cluster: "a", sample: { slowerThan: "0.5ms" } },
      'trace.sample.slowerThan: expected a duration of at least 1ms, like "5s", got "0.5ms"',
    ],
    [{ cluster: "a", sample: { ratios: 1 } }, 'trace.sample.ratios: unknown field; did you mean "ratio"?'],
    [{ cluster: "a", sessionkey: "x" }, 'trace.sessionkey: unknown field; did you mean "sessionKey"?'],
    [{ cluster: "a", sessions: "yes" }, 'trace.sessions: expected a boolean, got "yes"'],
    [{ cluster: "a", resource: "a=b" }, 'trace.resource: expected an object, got "a=b"'],
    [{ cluster: "a", resource: { a: 1 } }, "trace.resource.a: expected a string of at most 256 bytes, got 1"],
    [
      { cluster: "a", resource: { "a b": "" } },
      "trace.resource.a b: expected a name of 1 to 128 visible ASCII characters",
    ],
    [{ cluster: "a", headers: { a: "x", A: "y" } }, "trace.headers.a: duplicate header"],
    [
      { cluster: "a", headers: { ok: "x", "content-type": "x" } },
      "trace.headers: the name of field 2 is not a valid name of a header, or the proxy writes this header",
    ],
    [{ cluster: "a", headers: { Key: "" } }, `trace.headers.key: expected ${value}, got another string`],
  ])("%j", (fields, ...errors) => {
    expect(trace(fields)).toMatchObject({ errors, warnings: [] });
  });

  it("but not what a later version may know", () => {
    const later = { cluster: "a", compression: "gzip", sample: { tail: 1 } };
    expect(trace(later)).toMatchObject({
      errors: [],
      warnings: ["trace.compression: unknown field, ignored", "trace.sample.tail: unknown field, ignored"],
    });
  });
});

describe("no message shows what may be a secret", () => {
  const SECRET = "s3cr3t";
  const LONG = SECRET.repeat(50);
  const wrong: [string, unknown][] = [
    ["the section", SECRET],
    ["headers as a text", { headers: `authorization=${SECRET}` }],
    ["headers as a list", { headers: [SECRET] }],
    ["a value with a line feed", { headers: { a: `${SECRET}\n` } }],
    ["a number", { headers: { a: 31_337 } }],
    ["a list of values", { headers: { a: [SECRET] } }],
    ["a value that is too long", { headers: { a: LONG } }],
    ["a name that is a value", { headers: { [`Bearer ${SECRET}`]: "x" } }],
    ["too many headers", { headers: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`a${i}`, SECRET])) }],
    ["a key that is too short", { sessionKey: SECRET }],
    ["a key that is too long", { sessionKey: LONG }],
    ["a key that is a number", { sessionKey: 31_337 }],
    ["a misspelt key", { sesionKey: SECRET }],
    ["a path with a key", { path: `https://a/v1/traces?key=${SECRET}` }],
    ["an authority with a password", { authority: `me:${SECRET}@a` }],
  ];
  it.each(wrong)("of %s", (_, fields) => {
    const section = typeof fields === "object" ? { cluster: "a", ...fields } : fields;
    const { errors, warnings } = trace(section);
    expect(errors.length + warnings.length).toBeGreaterThan(0);
    expect([...errors, ...warnings].join("\n")).not.toMatch(/s3cr3t|31337/);
  });
});
