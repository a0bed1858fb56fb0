import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { gaps, nodes, spelled, write } from "../json/documents.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

/** What comes of reading a configuration. */
interface Config {
  server: string;
  role: string;
  maxTools: number;
  maxServers: number;
  labelCaller: boolean;
  /** trace, debug, info, warn, error: 0 to 4. */
  logLevel: number;
  matchPaths: string[];
  tools: string[];
  errors: string[];
  warnings: string[];
}

const DEFAULTS: Config = {
  server: "",
  role: "",
  maxTools: 256,
  maxServers: 64,
  labelCaller: false,
  logLevel: 3,
  matchPaths: [],
  tools: [],
  errors: [],
  warnings: [],
};

let values = new Map<string, unknown>();
let items = new Map<string, string[]>();

const module: TestModule<{ read(at: number, length: number): void }> = new TestModule("config", {
  number: (field: number, value: number) => values.set(module.string(field), value),
  text: (field: number, value: number) => values.set(module.string(field), module.string(value)),
  item(field: number, item: number): void {
    const name = module.string(field);
    items.set(name, [...(items.get(name) ?? []), module.string(item)]);
  },
});

function read(json: string): Config {
  values = new Map();
  items = new Map();
  module.lend(Buffer.from(json), (at, length) => module.exports.read(at, length));
  const none = { matchPaths: [], tools: [], errors: [], warnings: [] };
  const config = { ...none, ...Object.fromEntries(values), ...Object.fromEntries(items) } as unknown as Config;
  return { ...config, labelCaller: Boolean(config.labelCaller) };
}

describe("a configuration", () => {
  it.each(["", " ", "\n", "\r\n\t ", "{}", "{}\n", ' { "match" : { } , "labels" : { } } \n'])(
    "%j is the defaults",
    (json) => {
      expect(read(json)).toEqual(DEFAULTS);
    },
  );

  const whole = {
    match: { paths: ["/mcp", "/tenants/*"] },
    server: "weather",
    role: "client",
    log: "debug",
    labels: { maxTools: 10, maxServers: 2, tools: ["get_weather", "é"], caller: true },
  };
  const wholeRead: Config = {
    server: "weather",
    role: "client",
    maxTools: 10,
    maxServers: 2,
    labelCaller: true,
    logLevel: 1,
    matchPaths: ["/mcp", "/tenants/*"],
    tools: ["get_weather", "é"],
    errors: [],
    warnings: [],
  };

  it("is read whole, with a newline behind it or without", () => {
    expect(read(JSON.stringify(whole))).toEqual(wholeRead);
    expect(read(`${JSON.stringify(whole, null, 2)}\n`)).toEqual(wholeRead);
  });

  it("is the same with its keys sorted, as control planes write it", () => {
    expect(
      read(
        '{"labels":{"caller":true,"maxServers":2.0,"maxTools":10.0,"tools":["get_weather","é"]},"log":"debug",' +
          '"match":{"paths":["/mcp","/tenants/*"]},"role":"client","server":"weather"}',
      ),
    ).toEqual(wholeRead);
  });

  it("may have its names and texts escaped", () => {
    expect(read(String.raw`{"\u0073erver":"a\u00e9\ud83d\ude00\n"}`)).toEqual({ ...DEFAULTS, server: "aé😀\n" });
  });

  it.each([
    ["0", 0],
    ["-0", 0],
    ["1024", 1024],
    ["1000.0", 1000],
    ["1000.000", 1000],
    ["1e2", 100],
    ["1.5e2", 150],
    ["15e1", 150],
    ["10.24E+2", 1024],
    ["3000e-1", 300],
  ])("may have %s tools", (number, maxTools) => {
    expect(read(`{"labels":{"maxTools":${number}}}`)).toEqual({ ...DEFAULTS, maxTools });
  });

  it.each(["trace", "debug", "info", "warn", "error"])("may log from %s", (log) => {
    expect(read(JSON.stringify({ log }))).toMatchObject({
      logLevel: ["trace", "debug", "info", "warn", "error"].indexOf(log),
      errors: [],
    });
  });

  it("may have empty lists and texts", () => {
    expect(read('{"match":{"paths":[]},"labels":{"tools":[]},"server":""}')).toEqual(DEFAULTS);
  });
});

describe("a wrong value is told with its path, what was expected and what was there", () => {
  const limit = "a string of at most 256 bytes";
  const count = "labels.maxTools: expected an integer from 0 to 1024";
  const servers = "labels.maxServers: expected an integer from 1 to 64";
  const level = "log: expected one of trace, debug, info, warn, error";
  it.each([
    ['{"server":1}', `server: expected ${limit}, got 1`],
    ['{"server":null}', `server: expected ${limit}, got null`],
    ['{"server":["a"]}', `server: expected ${limit}, got an array`],
    [`{"server":"${"a".repeat(257)}"}`, `server: expected ${limit}, got a string`],
    ['{"role":"both"}', 'role: expected "client" or "server", got a string'],
    ['{"role":true}', 'role: expected "client" or "server", got a boolean'],
    ['{"role":""}', 'role: expected "client" or "server", got a string'],
    ['{"log":"warning"}', `${level}, got a string`],
    ['{"log":3}', `${level}, got 3`],
    ['{"match":[]}', "match: expected an object, got an array"],
    ['{"match":"/mcp"}', "match: expected an object, got a string"],
    ['{"match":{"paths":"/mcp"}}', "match.paths: expected an array of strings, got a string"],
    ['{"match":{"paths":["/a",2]}}', `match.paths[1]: expected ${limit}, got 2`],
    ['{"match":{"paths":[{}]}}', `match.paths[0]: expected ${limit}, got an object`],
    ['{"labels":false}', "labels: expected an object, got a boolean"],
    ['{"labels":{"tools":{}}}', "labels.tools: expected an array of strings, got an object"],
    ['{"labels":{"tools":["a",null,"b"]}}', `labels.tools[1]: expected ${limit}, got null`],
    ['{"labels":{"caller":"true"}}', "labels.caller: expected a boolean, got a string"],
    ['{"labels":{"caller":1}}', "labels.caller: expected a boolean, got 1"],
    ['{"labels":{"maxTools":"10"}}', `${count}, got a string`],
    ['{"labels":{"maxTools":1025}}', `${count}, got 1025`],
    ['{"labels":{"maxTools":-1}}', `${count}, got -1`],
    ['{"labels":{"maxTools":1.5}}', `${count}, got 1.5`],
    ['{"labels":{"maxTools":1e-1}}', `${count}, got 1e-1`],
    ['{"labels":{"maxTools":1e400}}', `${count}, got 1e400`],
    ['{"labels":{"maxTools":4294967296}}', `${count}, got 4294967296`],
    ['{"labels":{"maxTools":18446744073709551617}}', `${count}, got 18446744073709551617`],
    [`{"labels":{"maxTools":0.${"0".repeat(300)}}}`, `${count}, got 0.${"0".repeat(254)}`],
    ['{"labels":{"maxServers":0}}', `${servers}, got 0`],
    ['{"labels":{"maxServers":65}}', `${servers}, got 65`],
    ['{"labels":{"maxServers":[]}}', `${servers}, got an array`],
  ])("%s", (json, error) => {
    const { errors, warnings } = read(json);
    expect({ errors, warnings }).toEqual({ errors: [error], warnings: [] });
  });

  it("each of several, and what is right is read all the same", () => {
    expect(read('{"server":1,"labels":{"maxTools":"x","caller":true},"role":2}')).toEqual({
      ...DEFAULTS,
      labelCaller: true,
      errors: [
        `server: expected ${limit}, got 1`,
        `${count}, got a string`,
        'role: expected "client" or "server", got 2',
      ],
    });
  });

  it.each([
    ["[]", "an array"],
    ['"x"', "a string"],
    ["null", "null"],
    ["{", "no JSON"],
    ['{"server":"a"', "no JSON"],
    ['{"server":"a",}', "no JSON"],
    ['{"server":"a"}}', "no JSON"],
    ["{'server':'a'}", "no JSON"],
    ["server: a", "no JSON"],
    ['{"labels":{"maxTools":01}}', "no JSON"],
    ["\0", "no JSON"],
    ["[".repeat(600), "no JSON"],
  ])("no object: %j", (json, got) => {
    expect(read(json)).toEqual({ ...DEFAULTS, errors: [`configuration: expected a JSON object, got ${got}`] });
  });
});

describe("an unknown field is a warning", () => {
  it("at every level, and the rest is read", () => {
    expect(
      read(
        '{"sessions":{"max":1},"Server":"x","match":{"hosts":[]},"labels":{"maxTool":1,"caller":true},"server":"a"}',
      ),
    ).toEqual({
      ...DEFAULTS,
      server: "a",
      labelCaller: true,
      warnings: ["sessions", "Server", "match.hosts", "labels.maxTool"].map(
        (path) => `${path}: unknown field, ignored`,
      ),
    });
  });
});

describe("every configuration", () => {
  const names = [
    "match",
    "paths",
    "server",
    "role",
    "log",
    "labels",
    "maxTools",
    "maxServers",
    "tools",
    "caller",
    "access",
  ];

  itHolds(
    "is read without a trap, and is an error or an object",
    500,
    fc.property(nodes(fc.constantFrom(...names).chain(spelled)), gaps, fc.nat(), (node, gaps, length) => {
      const json = write(node, gaps);
      const { errors } = read(json);
      if (node.type !== "object") assert.equal(errors.length, 1);
      else assert.ok(!errors.some((error) => error.startsWith("configuration:")));
      read(
        Buffer.from(json)
          .subarray(0, length % (json.length + 1))
          .toString(),
      );
    }),
  );
});
