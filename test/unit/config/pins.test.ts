/** What of `access.pins` is read, and what is refused. */
import { describe, expect, it } from "vitest";

import { policy } from "./policies.ts";

const A = "a".repeat(64);
const B = "0123456789abcdef".repeat(4);

/** The errors of pins of a policy that allows everything. */
const pins = (value: unknown) => policy({ defaultAction: "ALLOW", pins: value }).errors;
const entry = (fields: object) => pins([{ tools: { t: A }, ...fields }]);

describe("pins", () => {
  it("are read whole", () => {
    const value = [
      { servers: ["weather", "é b"], mode: "observe", tools: { get_weather: A, [`${"x".repeat(253)}é`]: B } },
      { servers: ["files"], tools: { read: A } },
    ];
    expect(policy({ defaultAction: "ALLOW", pins: value })).toEqual({
      access: [
        "mode enforce, else ALLOW",
        "denies by error 403",
        "audits 10",
        "pins of weather,é b observe",
        `pin get_weather ${A}`,
        `pin ${"x".repeat(253)}é ${B}`,
        "pins of files enforce",
        `pin read ${A}`,
      ],
      errors: [],
      warnings: [],
    });
  });

  it("of one entry without servers are about all of them", () => {
    const { access, errors } = policy({ defaultAction: "ALLOW", pins: [{ tools: { t: A } }] });
    expect(access).toContain("pins of all servers enforce");
    expect(errors).toEqual([]);
    const error = "an entry without servers covers all servers, so it must be the only entry";
    expect(pins([{ servers: ["a"], tools: { t: A } }, { tools: { t: A } }])).toEqual([`access.pins[1]: ${error}`]);
  });

  it("that only observe leave a policy without effect", () => {
    const warning = "access: no rule denies any message: all pass";
    const of = (mode: string) => policy({ defaultAction: "ALLOW", pins: [{ mode, tools: { t: A } }] }).warnings;
    expect(of("observe")).toEqual([warning]);
    expect(of("enforce")).toEqual([]);
  });

  it.each<[unknown, ...string[]]>([
    [{}, "access.pins: expected an array of pins, got an object"],
    [[null], "access.pins[0]: expected an object, got null"],
    [[{}], "access.pins[0].tools: expected an object that maps names of tools to pins"],
    [[{ tools: [] }], "access.pins[0].tools: expected an object, got an array"],
    [[{ tools: {} }], "access.pins[0].tools: expected at least one tool"],
    [[{ tools: { "": A } }], "access.pins[0].tools.: expected a name of 1 to 255 bytes"],
    [
      [{ tools: { t: A.toUpperCase() } }],
      `access.pins[0].tools.t: expected 64 hexadecimal digits in lower case, got "${A.toUpperCase()}"`,
    ],
    [[{ tools: { t: A, u: A } }], 'access.pins[0].tools.u: it is the pin of "t" too, and no two tools have one pin'],
    [
      Array(65)
        .fill(0)
        .map((_, i) => ({ servers: [`s${i}`], tools: { t: A } })),
      "access.pins: expected at most 64 entries, got 65",
    ],
  ])("with a mistake are an error: %j", (value, ...errors) => {
    expect(pins(value)).toEqual(errors);
  });

  it.each<[object, ...string[]]>([
    [{ server: ["a"] }, 'access.pins[0].server: unknown field; did you mean "servers"?'],
    [{ Servers: ["a"] }, 'access.pins[0].Servers: unknown field; did you mean "servers"?'],
    [{ mode: "shadow" }, 'access.pins[0].mode: expected observe or enforce, got "shadow"'],
    [{ mode: "Observe" }, 'access.pins[0].mode: expected observe or enforce, got "Observe"; did you mean "observe"?'],
    [{ servers: "a" }, 'access.pins[0].servers: expected an array of strings, got "a"'],
    [{ servers: [] }, "access.pins[0].servers: expected at least one string"],
    [{ servers: [""] }, "access.pins[0].servers[0]: expected the name of a server"],
    [
      { servers: ["a*"] },
      "access.pins[0].servers[0]: expected the name of a server as in metrics: patterns with * are not supported here",
    ],
    [{ servers: ["a", "a"] }, 'access.pins[0].servers[1]: "a" already has pins: list them in one entry'],
  ])("with a mistake in an entry are an error: %j", (fields, ...errors) => {
    expect(entry(fields)).toEqual(errors);
  });

  it("of one server stand in one entry", () => {
    expect(
      pins([
        { servers: ["a", "b"], tools: { t: A } },
        { servers: ["c", "b"], tools: { t: A } },
      ]),
    ).toEqual(['access.pins[1].servers[1]: "b" already has pins: list them in one entry']);
  });

  it("of too many tools, or of names that are too long, are an error", () => {
    const pin = (i: number) => i.toString(16).padStart(64, "0");
    const tools = (count: number, from = 0) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${from + i}`, pin(from + i)]));
    expect(
      pins([
        { servers: ["a"], tools: tools(1000) },
        { servers: ["b"], tools: tools(24) },
      ]),
    ).toEqual([]);
    expect(
      pins([
        { servers: ["a"], tools: tools(1000) },
        { servers: ["b"], tools: tools(25) },
      ]),
    ).toEqual(["access.pins: expected at most 1024 tools, got 1025"]);
    expect(pins([{ tools: { ["x".repeat(256)]: A } }])).toHaveLength(1);
    expect(pins([{ tools: { ["x".repeat(300)]: A } }])).toHaveLength(1);
  });
});
