/** The build for plain hosts keeps the body of a request from the server until the policy has decided. */
import { describe, expect, test } from "vitest";
import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { principals, tools } from "../filter/access.ts";
import { JSON_ANSWER, batch, notification, request, result, toolCall } from "../filter/filter.ts";
import { startCounted } from "./live-bytes.ts";
import { linesOf, shortLines, startLite } from "./lite.ts";

const POLICY = { access: { rules: [tools("DENY", "no-rm", "rm*"), { name: "rest", action: "ALLOW" }] } };
const ALLOWED = toolCall("echo");
const DENIED = toolCall("rm_all");

/** Cuts a body before the byte with this index. */
const cutAt = (body: string, index: number) => [body.slice(0, index), body.slice(index)].filter((part) => part !== "");

/** A tool call of exactly this many bytes. */
function callOf(size: number): string {
  const call = (text: string) => request("tools/call", { name: "echo", arguments: { text } });
  return call("x".repeat(size - call("").length));
}

function send(plugin: Plugin, body: string | string[]): HttpStream {
  return exchange(plugin, { request: { body }, response: { headers: JSON_ANSWER, body: result() } }).stream;
}

/** A request with these further headers, whose body has not begun. */
function open(plugin: Plugin, ...headers: [string, string][]): HttpStream {
  const stream = plugin.stream();
  stream.requestHeaders([
    [":method", "POST"],
    [":path", "/mcp"],
    [":authority", "mcp.example"],
    ["Content-Type", "application/json"],
    ...headers,
  ]);
  return stream;
}

/** The requests that the host reports as waiting for ever, and failures of the VM. */
const faultsOf = ({ vm }: Plugin) => [...vm.alerts, ...(vm.failure ? [vm.failure.message] : [])];

describe("a body in two parts", () => {
  test.each(Array.from(ALLOWED, (_, index) => index))("cut before byte %i passes as it is", (index) => {
    const plugin = startLite(POLICY);
    const stream = send(plugin, cutAt(ALLOWED, index));
    expect(stream.forwarded.toString()).toBe(ALLOWED);
    expect(shortLines(plugin, "outcome", "target", "rule")).toEqual(["ok echo rest"]);
    expect(faultsOf(plugin)).toEqual([]);
  });

  test.each(Array.from(DENIED, (_, index) => index))("cut before byte %i is denied, and nothing passes", (index) => {
    const plugin = startLite(POLICY);
    const stream = send(plugin, cutAt(DENIED, index));
    expect(stream.forwarded.toString()).toBe("");
    expect(stream.reply?.status).toBe(200);
    expect(JSON.parse(stream.reply!.body)).toMatchObject({ id: 1, error: { data: { rule: "no-rm" } } });
    expect(shortLines(plugin, "outcome", "target", "rule")).toEqual(["denied rm_all no-rm"]);
    expect(faultsOf(plugin)).toEqual([]);
  });
});

test("the server gets nothing before the last part, then everything at once", () => {
  const plugin = startLite(POLICY);
  const stream = open(plugin);
  for (const byte of ALLOWED) stream.requestBody(Buffer.from(byte));
  expect(stream.forwarded.toString()).toBe("");
  stream.requestBody(new Uint8Array(), true);
  expect(stream.passedRequest).toBe(ALLOWED);
});

test("requests that wait at the same time do not mix", () => {
  const plugin = startLite(POLICY);
  const bodies = [toolCall("echo", 1), toolCall("rm_x", 2), toolCall("add", 3)];
  const streams = bodies.map(() => open(plugin));
  for (let at = 0; at < 40; at += 8) {
    streams.forEach((stream, i) => stream.requestBody(Buffer.from(bodies[i].slice(at, at + 8))));
  }
  streams.forEach((stream, i) => stream.requestBody(Buffer.from(bodies[i].slice(40)), true));
  expect(streams.map((stream) => stream.forwarded.toString())).toEqual([bodies[0], "", bodies[2]]);
  expect(streams.map(({ reply }) => reply !== undefined)).toEqual([false, true, false]);
});

test("a request that the client gives up while it waits leaves nothing for the next one", () => {
  const plugin = startLite(POLICY);
  const stream = open(plugin);
  stream.requestBody(Buffer.from(DENIED));
  stream.reset("client");
  expect(send(plugin, cutAt(ALLOWED, 9)).forwarded.toString()).toBe(ALLOWED);
});

describe("the size of a held body", () => {
  test.each([8191, 8192])("%i bytes pass", (size) => {
    const plugin = startLite(POLICY);
    const body = callOf(size);
    expect(send(plugin, cutAt(body, 5000)).forwarded.toString()).toBe(body);
    expect(linesOf(plugin, "mcp_access_denied")).toEqual([]);
  });

  test.each([8193, 100_000])("%i bytes are refused as soon as they are too many", (size) => {
    const plugin = startLite(POLICY);
    const stream = send(plugin, cutAt(callOf(size), 5000));
    expect(stream.forwarded.toString()).toBe("");
    expect(stream.reply?.details).toBe("mcp_access_refused[too_large]");
    expect(shortLines(plugin, "outcome", "method", "rule")).toEqual(["denied - _refused"]);
    expect(linesOf(plugin, "mcp_access_denied")).toMatchObject([{ reason: "too_large", limit: 8192 }]);
  });

  test("a body without a policy may have any size", () => {
    const plugin = startLite();
    const body = callOf(300_000);
    expect(send(plugin, cutAt(body, 100_000)).forwarded.toString()).toBe(body);
    expect(shortLines(plugin, "outcome", "target")).toEqual(["ok echo"]);
  });
});

/** A JSON document of exactly this many bytes that is no message. */
const documentOf = (size: number) => JSON.stringify({ a: "x".repeat(size - JSON.stringify({ a: "" }).length) });

/** Its first 6 bytes, its last 12, and those between them. */
const inThree = (body: string) => [body.slice(0, 6), body.slice(6, -12), body.slice(-12)];

/** Uploads a JSON document to a path that is not named in the configuration. */
function upload(plugin: Plugin, body: string): HttpStream {
  return exchange(plugin, { request: { path: "/upload", body: inThree(body) }, response: { body: result() } }).stream;
}

describe("an invalid configuration without paths, which closes MCP on every path", () => {
  const CLOSED = { match: { paths: 5 }, ...POLICY };

  test.each([1000, 8192])("lets an upload of %i bytes pass whole", (size) => {
    const body = documentOf(size);
    expect(upload(startLite(CLOSED), body).forwarded.toString()).toBe(body);
  });

  test.each([8193, 20_008])("refuses an upload of %i bytes, of which nothing passes", (size) => {
    const stream = upload(startLite(CLOSED), documentOf(size));
    expect(stream.forwarded.toString()).toBe("");
    expect(stream.reply?.details).toBe("mcp_access_refused[too_large]");
  });

  test("denies a call", () => {
    const stream = send(startLite(CLOSED), cutAt(ALLOWED, 9));
    expect(stream.forwarded.toString()).toBe("");
    expect(stream.reply).toBeDefined();
  });
});

describe("a body above what the build keeps, but not above `hold.maxBodyBytes`", () => {
  const startSmall = (match: object) => startCounted({ role: "server", match, ...POLICY }, "small-lite").plugin;

  test.each<[name: string, paths: unknown, send: (plugin: Plugin, size: number) => HttpStream]>([
    ["a call under a policy", ["/mcp"], (plugin, size) => send(plugin, inThree(callOf(size)))],
    ["an upload while MCP is closed", 5, (plugin, size) => upload(plugin, documentOf(size))],
  ])("%s does not pass in part", (_name, paths, sendOf) => {
    expect(sendOf(startSmall({ paths }), 1000).forwarded).toHaveLength(1000);
    const stream = sendOf(startSmall({ paths }), 1001);
    expect(stream.forwarded.toString()).toBe("");
    expect(stream.reply?.details).toBe("mcp_access_refused[internal]");
  });
});

describe("a batch", () => {
  test("in which one message is denied goes on without it, as long as before", () => {
    const plugin = startLite(POLICY);
    const body = batch(toolCall("echo", 1), toolCall("rm_x", 2), notification("notifications/progress"));
    const stream = exchange(plugin, {
      request: { body: cutAt(body, 70) },
      response: { headers: JSON_ANSWER, body: batch(result({ content: [] }, 1)) },
    }).stream;
    const passed = stream.forwarded.toString();
    expect(passed).toHaveLength(body.length);
    expect(passed).not.toContain('tools/call","params":{"name":"rm_x');
    expect(shortLines(plugin, "outcome", "method", "target")).toEqual([
      "denied tools/call rm_x",
      "- notifications/progress -",
      "ok tools/call echo",
    ]);
  });
});

test("1 000 requests of unknown callers can wait at once", () => {
  const plugin = startLite(POLICY);
  const body = callOf(8000);
  const streams = Array.from({ length: 1000 }, () => {
    const stream = open(plugin);
    stream.requestBody(Buffer.from(body));
    return stream;
  });
  for (const stream of streams) stream.requestBody(new Uint8Array(), true);
  expect(streams.filter((stream) => stream.forwarded.toString() === body)).toHaveLength(1000);
});

describe("requests of many callers whose bodies do not end", () => {
  const NAMED = {
    identity: { principalSources: ["x-forwarded-client-cert"] },
    access: { rules: [principals("DENY", "bad", "spiffe://x/*"), ...POLICY.access.rules] },
  };

  /** Begins 4500 requests of this many callers in turn. Returns how many wait. */
  function waitingOf(plugin: Plugin, callers: number): number {
    const streams = Array.from({ length: 4500 }, (_, i) => {
      const stream = open(plugin, ["X-Forwarded-Client-Cert", `URI=spiffe://td/u${i % callers}`]);
      if (stream.reply === undefined) stream.requestBody(Buffer.alloc(8000, " "));
      return stream;
    });
    return streams.filter(({ reply }) => reply === undefined).length;
  }

  test.each([
    [1, 250],
    [2, 500],
    [4, 1000],
    [8, 1000],
  ])("%i named ones can have %i waiting, a quarter of all each", (callers, waiting) => {
    const plugin = startLite(NAMED);
    expect(waitingOf(plugin, callers)).toBe(waiting);
    expect(faultsOf(plugin)).toEqual([]);
  });

  test("unknown ones can have 1000 waiting together", () => {
    const plugin = startLite(POLICY);
    expect(waitingOf(plugin, 8)).toBe(1000);
    expect(faultsOf(plugin)).toEqual([]);
  });
});

test.each(["URI=spiffe://td/good, URI=spiffe://x/1", "By=spiffe://td/me, Hash=1;URI=spiffe://x/1"])(
  "a caller named by the second of two headers is denied: %s",
  (header) => {
    const plugin = startLite({
      identity: { principalSources: ["x-forwarded-client-cert"] },
      access: { rules: [principals("DENY", "bad", "spiffe://x/*"), { name: "rest", action: "ALLOW" }] },
    });
    const stream = open(plugin, ["X-Forwarded-Client-Cert", header]);
    stream.requestBody(Buffer.from(ALLOWED), true);
    expect(stream.forwarded.toString()).toBe("");
    expect(shortLines(plugin, "outcome", "rule")).toEqual(["denied bad"]);
  },
);
