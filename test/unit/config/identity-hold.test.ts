/** What of `identity` and `hold` is read, also where `access` has their fields, and what is refused. */
import { describe, expect, it } from "vitest";

import { DEFAULTS, read } from "./reader.ts";
import { shown } from "./shown.ts";

const match = { paths: ["/mcp"] };
const errorsOf = (configuration: object) => read(JSON.stringify(configuration)).errors;
const identity = (fields: unknown) => errorsOf({ identity: fields });
const hold = (fields: unknown) => errorsOf({ hold: fields });

describe("identity", () => {
  it.each([
    [{}, DEFAULTS.identity],
    [{ principalSources: [] }, "principals , payload payload"],
    [
      { principalSources: ["jwt", "x-forwarded-client-cert"], jwtPayloadKey: "a.b" },
      "principals jwt x-forwarded-client-cert, payload a.b",
    ],
  ])("%j", (fields, words) => {
    expect(read(JSON.stringify({ identity: fields }))).toEqual({ ...DEFAULTS, identity: words });
  });

  const sources = "expected peer_certificate, filter_state, jwt or x-forwarded-client-cert";
  it.each<[unknown, ...string[]]>([
    [[], "identity: expected an object, got an array"],
    [{ principalSources: "jwt" }, 'identity.principalSources: expected an array of strings, got "jwt"'],
    [{ principalSources: ["jwt", "jw"] }, `identity.principalSources[1]: ${sources}, got "jw"; did you mean "jwt"?`],
    [{ jwtPayloadKey: 1 }, "identity.jwtPayloadKey: expected a string of at most 256 bytes, got 1"],
    [{ jwtPayloadKey: "a b" }, 'identity.jwtPayloadKey: expected visible ASCII characters, got "a b"'],
    // Who calls decides what passes: nothing of it may be ignored.
    [{ audiences: [] }, "identity.audiences: unknown field, expected principalSources or jwtPayloadKey"],
    [{ jwtPayloadkey: "a" }, 'identity.jwtPayloadkey: unknown field; did you mean "jwtPayloadKey"?'],
  ])("with %j is an error", (fields, ...errors) => {
    expect(identity(fields)).toEqual(errors);
  });

  it("with an error spares rules from being held against what it is not", () => {
    const rules = [{ name: "r", action: "ALLOW", from: [{ source: { principals: ["issuer/me"] } }] }];
    const error = 'identity.principalSources: expected an array of strings, got "jwt"';
    expect(errorsOf({ match, access: { rules }, identity: { principalSources: "jwt" } })).toEqual([error]);
  });
});

describe("hold", () => {
  it.each([
    [{}, DEFAULTS.hold],
    [{ headers: true, maxStreams: 1 }, "headers, bodies of 524288 bytes, 1 streams, 67108864 bytes"],
    [{ maxStreams: 1_000_000, maxBytes: "1GiB" }, "bodies of 524288 bytes, 1000000 streams, 1073741824 bytes"],
    [{ maxBodyBytes: "1KiB", maxBytes: "1MiB" }, "bodies of 1024 bytes, 1000 streams, 1048576 bytes"],
    [{ maxBytes: "4MiB", maxBodyBytes: "1MiB" }, "bodies of 1048576 bytes, 1000 streams, 4194304 bytes"],
    // One caller must be able to have the largest body held.
    [{ maxBodyBytes: "16MiB" }, "bodies of 16777216 bytes, 1000 streams, 67108864 bytes"],
    [{ maxBodyBytes: "64MiB" }, "bodies of 67108864 bytes, 1000 streams, 268435456 bytes"],
  ])("%j", (fields, words) => {
    expect(read(JSON.stringify({ hold: fields }))).toEqual({ ...DEFAULTS, hold: words });
  });

  const body = 'hold.maxBodyBytes: expected a size from 1KiB to 64MiB, like "512KiB"';
  const bytes = 'hold.maxBytes: expected a size from 1MiB to 1GiB, like "64MiB"';
  const least = "hold.maxBytes: expected at least 4 times maxBodyBytes, because one caller may use a quarter";
  it.each<[unknown, ...string[]]>([
    ["x", 'hold: expected an object, got "x"'],
    [{ headers: "true" }, 'hold.headers: expected a boolean, got "true"'],
    ...["1023B", "65MiB", ""].map((size): [unknown, string] => [{ maxBodyBytes: size }, `${body}, got ${shown(size)}`]),
    ...["1023KiB", "1025MiB", "2GiB", "64"].map((size): [unknown, string] => [
      { maxBytes: size },
      `${bytes}, got ${shown(size)}`,
    ]),
    [{ maxBytes: 1_048_576 }, `${bytes}, got 1048576`],
    [{ maxStreams: 0 }, "hold.maxStreams: expected an integer from 1 to 1000000, got 0"],
    [{ maxStreams: 1_000_001 }, "hold.maxStreams: expected an integer from 1 to 1000000, got 1000001"],
    [{ maxBytes: "1MiB" }, `${least}: 2097152B, got 1048576B`],
    [{ maxBytes: "4194303B", maxBodyBytes: "1MiB" }, `${least}: 4194304B, got 4194303B`],
    [{ maxBytes: "x", maxBodyBytes: "64MiB" }, `${bytes}, got "x"`],
    [{ maxstreams: 1 }, 'hold.maxstreams: unknown field; did you mean "maxStreams"?'],
    [{ holdHeaders: true }, 'hold.holdHeaders: unknown field; did you mean "headers"?'],
    [{ overflow: 1 }, "hold.overflow: unknown field, ignored"],
  ])("with %j is an error, or a warning where a later version may have it", (fields, ...problems) => {
    const { errors, warnings } = read(JSON.stringify({ hold: fields }));
    expect([...errors, ...warnings]).toEqual(problems);
  });

  it("counts the largest body where access has it", () => {
    const error = `${least}: 16777216B, got 8388608B`;
    expect(errorsOf({ match, access: { maxBodyBytes: "4MiB" }, hold: { maxBytes: "8MiB" } })).toEqual([error]);
    expect(hold({ maxBytes: "16MiB" })).toEqual([]);
  });
});

describe("a field in access, where it was before, and in its section", () => {
  const BEFORE = { principalSources: ["jwt"], jwtPayloadKey: "a", holdHeaders: true, maxBodyBytes: "1MiB" };
  const NOW = {
    identity: { principalSources: ["jwt"], jwtPayloadKey: "a" },
    hold: { headers: true, maxBodyBytes: "1MiB" },
  };

  it("is read as the same in either place", () => {
    const before = read(JSON.stringify({ match, access: BEFORE }));
    expect(before.errors).toEqual([]);
    expect(read(JSON.stringify({ match, access: {}, ...NOW }))).toEqual(before);
  });

  it("is an error in both, in either order, that names both", () => {
    const errors = [
      ...["principalSources", "jwtPayloadKey"].map(
        (name) => `access.${name}: same setting as identity.${name}: use one of them`,
      ),
      "access.holdHeaders: same setting as hold.headers: use one of them",
      "access.maxBodyBytes: same setting as hold.maxBodyBytes: use one of them",
    ];
    expect(errorsOf({ match, access: BEFORE, ...NOW })).toEqual(errors);
    expect(errorsOf({ ...NOW, access: BEFORE, match })).toEqual(errors);
  });

  it("is none where each place has another one", () => {
    const mixed = { access: { principalSources: ["jwt"], holdHeaders: true }, identity: { jwtPayloadKey: "a" } };
    expect(errorsOf({ match, ...mixed, hold: { maxBodyBytes: "1MiB" } })).toEqual([]);
  });
});
