/** Requests in NGINX whose headers do not say whether a body follows, and bodies that are empty. */
import { describe, expect, test } from "vitest";
import { captureNames, readCapture } from "../../fixtures/captures.ts";
import { exchange, type HeaderList, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { ask, auditOf, guarded, methods, principals, tools } from "../filter/access.ts";
import { countsBy, passSeconds, startWorkers, toolCall } from "../filter/filter.ts";
import { faultsOf, startNginx } from "./nginx.ts";

const HTTP2 = { "ngx.server_protocol": "HTTP/2.0" };
const POLICY = { rules: [tools("DENY", "no-rm", "rm*"), { name: "rest", action: "ALLOW" }] };
const POLICIES: Record<string, object> = {
  "about tools": POLICY,
  "about principals": { rules: [principals("ALLOW", "agents", "x509://CN=agent*")] },
  "about methods": { rules: [methods("DENY", "no-calls", "tools/call"), { name: "rest", action: "ALLOW" }] },
};

function begin(worker: Plugin, method: string, more: HeaderList = [], properties = {}): HttpStream {
  const stream = worker.stream(properties);
  stream.requestHeaders([
    [":method", method],
    [":path", "/mcp"],
    ["content-type", "application/json"],
    ["accept", "application/json, text/event-stream"],
    ...more,
  ]);
  return stream;
}

function openEvents(stream: HttpStream): void {
  stream.responseHeaders([
    [":status", "200"],
    ["content-type", "text/event-stream"],
  ]);
}

describe("a body without an announcement in HTTP/2", () => {
  const METHODS = ["POST", "GET", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "QUERY"];

  test.each(Object.keys(POLICIES))("is decided by a policy %s, with each method", (name) => {
    const [worker] = startNginx(1, guarded(POLICIES[name]));
    for (const method of METHODS) {
      const stream = begin(worker, method, [], HTTP2);
      stream.requestBody(Buffer.from(toolCall("rm_all")), true);
      expect([method, stream.passedRequest]).toEqual([method, ""]);
      expect(stream.reply?.body).toContain("error");
    }
    expect(auditOf(worker)).toHaveLength(METHODS.length);
    passSeconds([worker], 1);
    const decisions = Object.values(countsBy(worker, "mcp_access_decisions_total", "mcp_access_rule"));
    expect(decisions).toEqual([METHODS.length]);
    expect(faultsOf([worker])).toEqual([]);
  });

  test("is denied while the configuration is invalid", () => {
    const [worker] = startNginx(1, { match: { paths: ["/mcp"] }, access: 5 });
    for (const method of METHODS) {
      const stream = begin(worker, method, [], HTTP2);
      stream.requestBody(Buffer.from(toolCall("rm_all")), true);
      expect([method, stream.passedRequest]).toEqual([method, ""]);
    }
  });

  test("passes if the policy allows its message", () => {
    const [worker] = startNginx(1, guarded(POLICY));
    const stream = begin(worker, "POST", [], HTTP2);
    stream.requestBody(Buffer.from(toolCall("echo")), true);
    expect(stream.reply).toBeUndefined();
    expect(stream.passedRequest).toBe(toolCall("echo"));
  });
});

describe("requests without a body in HTTP/2", () => {
  test("pass, and their answers reach the client", () => {
    const [worker] = startNginx(1, guarded(POLICY));
    for (const method of ["GET", "DELETE", "OPTIONS", "HEAD"]) {
      const stream = begin(worker, method, [], HTTP2);
      openEvents(stream);
      stream.responseBody(Buffer.from("data: 1\n\n"));
      expect([method, stream.reply, stream.received.toString()]).toEqual([method, undefined, "data: 1\n\n"]);
      stream.end();
    }
    expect(faultsOf([worker])).toEqual([]);
  });

  test.each(captureNames())("of capture %s count as in Envoy", (name) => {
    const envoy = startWorkers(1, { configuration: guarded(POLICY) });
    const workers = startNginx(1, guarded(POLICY));
    for (const captured of readCapture(name)) {
      exchange(envoy[0], captured);
      exchange(workers[0], captured, { properties: HTTP2 });
      passSeconds([...envoy, ...workers], 1);
    }
    const operations = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
    expect(operations(workers[0])).toEqual(operations(envoy[0]));
    expect(faultsOf(workers)).toEqual([]);
  });
});

describe("an empty body, which has no callback", () => {
  const EMPTY: [string, HeaderList, object][] = [
    ["chunked", [["transfer-encoding", "chunked"]], {}],
    ["of the length 00", [["content-length", "00"]], {}],
    ["in HTTP/2", [], HTTP2],
  ];

  test.each(EMPTY)("%s holds no place of a caller, however long its stream lasts", (_, headers, properties) => {
    const [worker] = startNginx(1, guarded(POLICY));
    for (let i = 0; i < 1100; i++) {
      const stream = begin(worker, "GET", headers, properties);
      stream.requestBody(Buffer.alloc(0), true);
      // Half of the servers do not answer yet.
      if (i % 2 === 0) openEvents(stream);
      if (stream.reply !== undefined) throw new Error(`stream ${i}: ${stream.reply.details}`);
    }
    expect(ask(worker, toolCall("echo")).reply).toBeUndefined();
    expect(ask(worker, toolCall("rm_all")).reply).toBeDefined();
    expect(faultsOf([worker])).toEqual([]);
  });

  test("of POST requests holds no place after the response has begun", () => {
    const [worker] = startNginx(1, guarded(POLICY));
    for (let i = 0; i < 300; i++) {
      const stream = begin(worker, "POST", [["transfer-encoding", "chunked"]]);
      stream.requestBody(Buffer.alloc(0), true);
      openEvents(stream);
    }
    expect(ask(worker, toolCall("echo")).reply).toBeUndefined();
  });

  test("of a POST request is refused, and nothing of the server's answer is shown", () => {
    const [worker] = startNginx(1, guarded(POLICY));
    const stream = begin(worker, "POST", [["transfer-encoding", "chunked"]]);
    stream.requestBody(Buffer.alloc(0), true);
    openEvents(stream);
    stream.responseBody(Buffer.from("secret 1"));
    stream.responseBody(Buffer.from("secret 2"), true);
    expect(stream.received.toString()).toContain('"reason":"not_json"');
    expect(auditOf(worker)).toHaveLength(1);
    expect(stream.received.toString()).not.toContain("secret");
    expect(faultsOf([worker]).filter((line) => !line.startsWith("[warn]"))).toEqual([]);
  });
});

test("the body of a GET request does not count as held before it has arrived, and then like any other", () => {
  const [worker] = startNginx(1, guarded(POLICY));
  const open = (method: string) => begin(worker, method, [["transfer-encoding", "chunked"]]);
  const get = open("GET");
  for (let i = 0; i < 250; i++) expect(open("POST").reply).toBeUndefined();
  expect(open("POST").reply?.details).toBe("mcp_access_refused[too_many_held]");
  get.requestBody(Buffer.from(toolCall("echo")), true);
  expect(get.reply?.details).toBe("mcp_access_refused[too_many_held]");
});
