import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { gaps, nodes, spelled, write } from "../json/documents.ts";
import { itHolds } from "../property.ts";
import { type Config, DEFAULTS, read } from "./reader.ts";
import { shown } from "./shown.ts";

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
    responseHeaders: true,
    instance: "edge",
    sessions: { idleTimeout: "90s", max: 1000, callerKey: ["X-User", "baggage"] },
    labels: { maxTools: 10, maxServers: 2, tools: ["get_weather", "é"], caller: true },
    tokens: { estimate: false, scale: 1.25, maxBytes: "64KiB" },
    identity: { principalSources: ["jwt"], jwtPayloadKey: "token" },
    hold: { headers: true, maxBodyBytes: "1MiB", maxStreams: 10, maxBytes: "4MiB" },
  };
  const wholeRead: Config = {
    instance: "edge",
    sessionIdleSeconds: 90,
    maxSessions: 1000,
    callerHeaders: ["x-user", "baggage"],
    server: "weather",
    role: "client",
    maxTools: 10,
    maxServers: 2,
    callerLabel: 1,
    estimateTokens: false,
    tokenScale: 1.25,
    maxTokenBytes: 65_536,
    responseHeaders: true,
    logLevel: 1,
    matchPaths: ["/mcp", "/tenants/*"],
    tools: ["get_weather", "é"],
    identity: "principals jwt, payload token",
    hold: "headers, bodies of 1048576 bytes, 10 streams, 4194304 bytes",
    access: [],
    limits: [],
    trace: [],
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
        '{"hold":{"headers":true,"maxBodyBytes":"1MiB","maxBytes":"4MiB","maxStreams":10.0},' +
          '"identity":{"jwtPayloadKey":"token","principalSources":["jwt"]},"instance":"edge","labels":{"caller":true,"maxServers":2.0,"maxTools":10.0,"tools":["get_weather","é"]},' +
          '"log":"debug","match":{"paths":["/mcp","/tenants/*"]},"responseHeaders":true,"role":"client","server":"weather",' +
          '"sessions":{"callerKey":["X-User","baggage"],"idleTimeout":"90s","max":1000.0},' +
          '"tokens":{"estimate":false,"maxBytes":"64KiB","scale":1.25}}',
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
    expect(
      read('{"match":{"paths":[]},"labels":{"tools":[]},"sessions":{"callerKey":[]},"server":"","instance":""}'),
    ).toEqual({ ...DEFAULTS, instance: "" });
  });

  it.each([
    ["1000ms", 1],
    ["01999.99ms", 1],
    ["1s", 1],
    ["90s", 90],
    ["1.99s", 1],
    ["30m", 1800],
    ["0.02m", 1],
    ["1.5h", 5400],
    ["1.15h", 4140],
    ["0.01h", 36],
    ["720h", 2_592_000],
    ["99999999999999999999h", 2 ** 31 - 1],
    [`${"9".repeat(255)}s`, 2 ** 31 - 1],
  ])("may let sessions be idle for %s", (idleTimeout, sessionIdleSeconds) => {
    expect(read(JSON.stringify({ sessions: { idleTimeout } }))).toEqual({ ...DEFAULTS, sessionIdleSeconds });
  });

  it.each([
    ["1", 1],
    ["65536.0", 65_536],
    ["1048576", 1_048_576],
  ])("may track %s sessions", (max, maxSessions) => {
    expect(read(`{"sessions":{"max":${max}}}`)).toEqual({ ...DEFAULTS, maxSessions });
  });

  it("may tell callers apart by eight headers, whose names have no case", () => {
    const callerKey = ["A", "B-ÄZ@[", "c", "d", "e", "f", "g", "h"];
    const callerHeaders = ["a", "b-Äz@[", "c", "d", "e", "f", "g", "h"];
    expect(read(JSON.stringify({ sessions: { callerKey } }))).toEqual({ ...DEFAULTS, callerHeaders });
  });
});

describe("a wrong value is an error with its path, what was expected and the value", () => {
  const limit = "a string of at most 256 bytes";
  const count = "labels.maxTools: expected an integer from 0 to 1024";
  const servers = "labels.maxServers: expected an integer from 1 to 64";
  const sessions = "sessions.max: expected an integer from 1 to 1048576";
  const idle = 'sessions.idleTimeout: expected a duration of at least 1s, like "30m"';
  const level = "log: expected trace, debug, info, warn or error";
  const role = "role: expected client or server";
  const placeholders =
    "expected {namespace}, {workload}, {node.id}, {node.cluster}, {node.metadata.KEY}, {cluster} or {route}";
  const long = "a".repeat(257);
  it.each([
    ['{"server":1}', `server: expected ${limit}, got 1`],
    ['{"server":null}', `server: expected ${limit}, got null`],
    ['{"server":["a"]}', `server: expected ${limit}, got an array`],
    [`{"server":"${long}"}`, `server: expected ${limit}, got ${shown(long)}`],
    ['{"role":"both"}', `${role}, got "both"`],
    ['{"server":"{namspace}"}', 'server: unknown placeholder "{namspace}"; did you mean "{namespace}"?'],
    ['{"server":"{Work_Load}/a"}', 'server: unknown placeholder "{Work_Load}"; did you mean "{workload}"?'],
    [
      '{"server":"{node.metdata.NAME}"}',
      'server: unknown placeholder "{node.metdata.NAME}"; did you mean "{node.metadata.KEY}"?',
    ],
    [
      '{"server":"{node.metadata}"}',
      'server: unknown placeholder "{node.metadata}"; did you mean "{node.metadata.KEY}"?',
    ],
    ['{"server":"{pod}"}', `server: unknown placeholder "{pod}", ${placeholders}`],
    ['{"server":"{}"}', `server: unknown placeholder "{}", ${placeholders}`],
    ['{"server":"a{namespace"}', 'server: missing "}"'],
    ['{"server":"a}{namespace}"}', 'server: unexpected "}"'],
    ['{"role":"Sever"}', `${role}, got "Sever"; did you mean "server"?`],
    ['{"role":true}', `${role}, got true`],
    ['{"role":""}', `${role}, got ""`],
    ['{"log":"warning"}', `${level}, got "warning"`],
    ['{"log":"wran"}', `${level}, got "wran"; did you mean "warn"?`],
    ['{"log":"INFO"}', `${level}, got "INFO"; did you mean "info"?`],
    ['{"log":3}', `${level}, got 3`],
    ['{"match":[]}', "match: expected an object, got an array"],
    ['{"match":"/mcp"}', 'match: expected an object, got "/mcp"'],
    ['{"match":{"paths":"/mcp"}}', 'match.paths: expected an array of strings, got "/mcp"'],
    ['{"match":{"paths":["/a",2]}}', `match.paths[1]: expected ${limit}, got 2`],
    ['{"match":{"paths":[{}]}}', `match.paths[0]: expected ${limit}, got an object`],
    ['{"labels":false}', "labels: expected an object, got false"],
    ['{"labels":{"tools":{}}}', "labels.tools: expected an array of strings, got an object"],
    ['{"labels":{"tools":["a",null,"b"]}}', `labels.tools[1]: expected ${limit}, got null`],
    ['{"labels":{"caller":"true"}}', 'labels.caller: expected none, address, principal or client, got "true"'],
    [
      '{"labels":{"caller":"principle"}}',
      'labels.caller: expected none, address, principal or client, got "principle"; did you mean "principal"?',
    ],
    ['{"labels":{"caller":1}}', "labels.caller: expected none, address, principal or client, got 1"],
    ['{"labels":{"maxTools":"10"}}', `${count}, got "10"`],
    ['{"labels":{"maxTools":1025}}', `${count}, got 1025`],
    ['{"labels":{"maxTools":-1}}', `${count}, got -1`],
    ['{"labels":{"maxTools":1.5}}', `${count}, got 1.5`],
    ['{"labels":{"maxTools":1e-1}}', `${count}, got 1e-1`],
    ['{"labels":{"maxTools":1e400}}', `${count}, got 1e400`],
    ['{"labels":{"maxTools":4294967296}}', `${count}, got 4294967296`],
    ['{"labels":{"maxTools":18446744073709551617}}', `${count}, got 18446744073709551617`],
    [`{"labels":{"maxTools":0.${"0".repeat(300)}}}`, `${count}, got 0.${"0".repeat(62)}…`],
    ['{"labels":{"maxServers":0}}', `${servers}, got 0`],
    ['{"labels":{"maxServers":65}}', `${servers}, got 65`],
    ['{"labels":{"maxServers":[]}}', `${servers}, got an array`],
    ['{"labels":null}', "labels: expected an object, got null"],
    ['{"labels":{"caller":null}}', "labels.caller: expected none, address, principal or client, got null"],
    ['{"instance":null}', `instance: expected ${limit}, got null`],
    ['{"instance":1}', `instance: expected ${limit}, got 1`],
    [`{"instance":"${"é".repeat(129)}"}`, `instance: expected ${limit}, got "${"é".repeat(64)}…", which is longer`],
    // No half of a surrogate pair is shown.
    [JSON.stringify({ log: `${"x".repeat(63)}😀` }), `${level}, got "${"x".repeat(63)}…"`],
    [JSON.stringify({ log: 'a"\\\n\u007f' }), `${level}, got "a\\"\\\\\\u000a\\u007f"`],
    ['{"sessions":[]}', "sessions: expected an object, got an array"],
    ['{"sessions":null}', "sessions: expected an object, got null"],
    ['{"sessions":{"max":0}}', `${sessions}, got 0`],
    ['{"sessions":{"max":1048577}}', `${sessions}, got 1048577`],
    ['{"sessions":{"max":"1"}}', `${sessions}, got "1"`],
    ['{"sessions":{"max":null}}', `${sessions}, got null`],
    ['{"sessions":{"callerKey":"x"}}', 'sessions.callerKey: expected an array of strings, got "x"'],
    ['{"sessions":{"callerKey":["x",1]}}', `sessions.callerKey[1]: expected ${limit}, got 1`],
    [
      '{"sessions":{"callerKey":["a","b","c","d","e","f","g","h","i"]}}',
      "sessions.callerKey: expected at most 8 names of headers, got 9",
    ],
    ['{"sessions":{"idleTimeout":30}}', `${idle}, got 30`],
    ['{"sessions":{"idleTimeout":null}}', `${idle}, got null`],
    ...[
      ...["", "30", "x", "s", ".", ".s", ".5h", "1.s", "1.5.2s", "1.125h", "1e3s", "-1s", "+1s", " 1s", "1s ", "1 s"],
      ...["1S", "1d", "1min", "0s", "500ms", "999.99ms", "0.99s", "0.01m", "0h", "٣s", `${"9".repeat(256)}s`],
    ].map((text) => [JSON.stringify({ sessions: { idleTimeout: text } }), `${idle}, got ${shown(text)}`]),
  ])("%s", (json, error) => {
    const { errors, warnings } = read(json);
    expect({ errors, warnings }).toEqual({ errors: [error], warnings: [] });
  });

  it("each of several, and what is right is read all the same", () => {
    expect(read('{"server":1,"labels":{"maxTools":"x","caller":true},"role":2}')).toEqual({
      ...DEFAULTS,
      callerLabel: 1,
      errors: [`server: expected ${limit}, got 1`, `${count}, got "x"`, "role: expected client or server, got 2"],
    });
  });

  it.each([
    ["[]", "an array"],
    ['"x"', "a string"],
    ["null", "null"],
    ["{", "invalid JSON: unexpected end"],
    ['{"server":"a"', "invalid JSON: unexpected end"],
    ['{"server":"a', "invalid JSON: unexpected end"],
    ['{"server":"a",}', "invalid JSON: syntax error at line 1, column 15"],
    ['{"server":"a"}}', "invalid JSON: syntax error at line 1, column 15"],
    ['{\n  "server": "a",\n  server: 1\n}', "invalid JSON: syntax error at line 3, column 3"],
    ["{'server':'a'}", "invalid JSON: syntax error at line 1, column 2"],
    ["server: a", "invalid JSON: syntax error at line 1, column 1"],
    ['{"labels":{"maxTools":01}}', "invalid JSON: syntax error at line 1, column 24"],
    ["\0", "invalid JSON: syntax error at line 1, column 1"],
    ["[".repeat(600), "invalid JSON: nested too deeply at line 1, column 513"],
  ])("no object: %j", (json, got) => {
    expect(read(json)).toEqual({ ...DEFAULTS, errors: [`configuration: expected a JSON object, got ${got}`] });
  });
});

describe("an unknown field", () => {
  const unheard = "unknown field, ignored";

  it("is a warning at every level, and the rest is read", () => {
    const json =
      '{"edit":{"mode":"x"},"paths":1,"maxTools":5,"sessions":{"idle":"1s"},"match":{"hosts":[]},"maxStreams":5,' +
      '"labels":{"sizes":1,"caller":true},"tokens":{"max":1},"hold":{"time":1},"telemetry":1,"stripAcceptEncoding":true,' +
      '"server":"a"}';
    expect(read(json)).toEqual({
      ...DEFAULTS,
      server: "a",
      callerLabel: 1,
      warnings: [
        `edit: ${unheard}`,
        `paths: ${unheard}; did you mean "match.paths"?`,
        `maxTools: ${unheard}; did you mean "labels.maxTools"?`,
        ...["sessions.idle", "match.hosts"].map((path) => `${path}: ${unheard}`),
        `maxStreams: ${unheard}; did you mean "hold.maxStreams"?`,
        ...["labels.sizes", "tokens.max", "hold.time", "telemetry"].map((path) => `${path}: ${unheard}`),
        `stripAcceptEncoding: ${unheard}`,
      ],
    });
  });

  it.each([
    ["Server", "Server", "server"],
    ["sever", "sever", "server"],
    ["lables", "lables", "labels"],
    ["rol", "rol", "role"],
    ["session", "session", "sessions"],
    ["LOG", "LOG", "log"],
    ["match.path", "match.path", "paths"],
    ["labels.maxTool", "labels.maxTool", "maxTools"],
    ["labels.max_servers", "labels.max_servers", "maxServers"],
    ["sessions.idleTimout", "sessions.idleTimout", "idleTimeout"],
    ["tokens.maxbytes", "tokens.maxbytes", "maxBytes"],
    // A policy must not be dropped for its name.
    ["acess", "acess", "access"],
    ["acces", "acces", "access"],
    ["Access", "Access", "access"],
    ["accessPolicy", "accessPolicy", "access"],
    ["mcp-acess", "mcp-acess", "access"],
    ["rules", "rules", 'access.rules" or "limits.rules'],
    ["defaultAction", "defaultAction", "access.defaultAction"],
    ["principalSources", "principalSources", "identity.principalSources"],
    ["holdHeaders", "holdHeaders", "hold.headers"],
    ["maxBodyBytes", "maxBodyBytes", "hold.maxBodyBytes"],
    ["limit", "limit", "limits"],
    ["limts", "limts", "limits"],
    ["Hold", "Hold", "hold"],
    ["identiy", "identiy", "identity"],
    ["hold.maxStream", "hold.maxStream", "maxStreams"],
    ["hold.header", "hold.header", "headers"],
    ["identity.principalSource", "identity.principalSource", "principalSources"],
  ])("%s is an error that names %3$s", (path, shownPath, near) => {
    const [first, second] = path.split(".");
    const json = JSON.stringify({ [first]: second ? { [second]: {} } : {} });
    expect(read(json)).toEqual({ ...DEFAULTS, errors: [`${shownPath}: unknown field; did you mean "${near}"?`] });
  });

  it("of a long or odd name is shown shortened and escaped", () => {
    const name = `\n"${"x".repeat(100)}`;
    const path = `\\u000a\\"${"x".repeat(62)}…`;
    expect(read(JSON.stringify({ [name]: 1 })).warnings).toEqual([`${path}: ${unheard}`]);
  });
});

describe("a field that is there twice is an error", () => {
  it.each([
    ['{"server":"a","server":"b"}', "server"],
    ['{"match":{"paths":["/mcp"]},"match":{"paths":["/other"]}}', "match"],
    ['{"labels":{"maxTools":1,"maxTools":1}}', "labels.maxTools"],
    ['{"later":{"x":[{"a":1,"a":2}]}}', "later.x[0].a"],
  ])("%s", (json, path) => {
    expect(read(json).errors).toEqual([`${path}: duplicate field`]);
  });
});

describe("a path that no request can have is an error", () => {
  const slash = 'expected a path that begins with "/"';
  it.each([
    ["", `${slash}, got ""`],
    ["mcp", `${slash}, got "mcp"; did you mean "/mcp"?`],
    ["*", `${slash}, got "*"; did you mean "/*"?`],
    ["http://127.0.0.1/mcp", `${slash}, got "http://127.0.0.1/mcp"; did you mean "/mcp"?`],
    ["https://mcp.example.com", `${slash}, got "https://mcp.example.com"; did you mean "/"?`],
    ["localhost:8080/mcp", `${slash}, got "localhost:8080/mcp"; did you mean "/mcp"?`],
    ["mcp.example.com/mcp", `${slash}, got "mcp.example.com/mcp"; did you mean "/mcp"?`],
    ["tools/mcp", `${slash}, got "tools/mcp"; did you mean "/tools/mcp"?`],
    [" /mcp", `${slash}, got " /mcp"; did you mean "/mcp"?`],
    ["/mcp ", 'expected a path with %20 for a space, got "/mcp "; did you mean "/mcp"?'],
    ["/a b", 'expected a path with %20 for a space, got "/a b"'],
    ["/mcp?x=1", 'expected a path without a query and a fragment, got "/mcp?x=1"; did you mean "/mcp"?'],
    ["/mcp#top", 'expected a path without a query and a fragment, got "/mcp#top"; did you mean "/mcp"?'],
    ["/*/mcp", 'expected a path with * at its end only, got "/*/mcp"'],
    ["/mcp**", 'expected a path with * at its end only, got "/mcp**"'],
    ["/mcp\n", 'expected a path without control characters, got "/mcp\\u000a"; did you mean "/mcp"?'],
    ["/m\0cp", 'expected a path without control characters, got "/m\\u0000cp"'],
    ["/mcp\u007f", 'expected a path without control characters, got "/mcp\\u007f"'],
  ])("%j", (path, error) => {
    const { errors, matchPaths } = read(JSON.stringify({ match: { paths: ["/a", path, "/b/*"] } }));
    expect({ errors, matchPaths }).toEqual({ errors: [`match.paths[1]: ${error}`], matchPaths: ["/a", "/b/*"] });
  });

  it.each(["/", "/*", "/mcp", "/mcp*", "/MCP/", "/a/../b", "//a", "/%6dcp", "/é", "/a;b=c", "/.well-known/x"])(
    "but not %j",
    (path) => {
      expect(read(JSON.stringify({ match: { paths: [path] } }))).toEqual({ ...DEFAULTS, matchPaths: [path] });
    },
  );

  it.each(["/mcp.*", "/^mcp", "/mcp$", "/{tenant}/mcp", "/a|b", "/[ab]"])(
    "%j, which looks like an expression, is a warning",
    (path) => {
      const text = "regular expressions and templates are not supported: only a * at the end is special";
      expect(read(JSON.stringify({ match: { paths: [path] } }))).toEqual({
        ...DEFAULTS,
        matchPaths: [path],
        warnings: [`match.paths[0]: ${text}, got "${path}"`],
      });
    },
  );
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
    "sessions",
    "idleTimeout",
    "max",
    "callerKey",
    "tokens",
    "estimate",
    "scale",
    "maxBytes",
    "instance",
    "identity",
    "principalSources",
    "hold",
    "headers",
    "access",
    "limits",
    "rules",
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
