import { describe, expect, it, test } from "vitest";
import { Clock, type Exchange, MetricStore, nginx, SharedDataStore } from "../../../scripts/host/index.ts";
import { run, start, takeLog } from "./calls.ts";

/** The names of the callbacks of one exchange, with their sizes and end_of_stream. */
function callbacks(spec: Partial<Exchange>, options: Parameters<typeof run>[3] = {}): string[] {
  return run(nginx(), [], spec, options).log;
}

/** The result of one call, without the callbacks around it. */
function result(call: string, spec?: Partial<Exchange>, options?: Parameters<typeof run>[3]): string[] {
  const { log, alerts, failure } = run(nginx({ variables: ["mcp_tool"] }), [call], spec, options);
  const name = call.split(" ")[1];
  const lines = log.filter((line) => line.startsWith(`${name} `));
  return [...lines, ...alerts, ...(failure === undefined ? [] : [failure])];
}

describe("callbacks", () => {
  it("pass the whole request body at once, and end the stream with done, log and delete", () => {
    expect(callbacks({ request: { body: ["ab", "c"] }, response: { body: ["d", "ef"] } })).toEqual([
      ...["request_headers 10 0", "request_body 3 1"],
      ...["response_headers 6 0", "response_body 1 0", "response_body 2 0", "response_body 0 1"],
      ...["done", "log", "delete"],
    ]);
  });

  it("never end a message in its headers", () => {
    const log = callbacks({ request: { method: "GET" }, response: { status: 202 } });
    expect(log).toEqual([
      ...["request_headers 9 0", "response_headers 6 0", "response_body 0 1"],
      ...["done", "log", "delete"],
    ]);
    const bodiless = callbacks({ request: { method: "GET" }, response: { status: 204 } });
    expect(bodiless.filter((line) => line.startsWith("response_body"))).toEqual([]);
  });

  it("show the end of a body with a length only if it arrives in one piece", () => {
    const bodies = (...body: string[]) =>
      callbacks({ response: { headers: { "content-length": String(body.join("").length) }, body } }).filter((line) =>
        line.startsWith("response_body"),
      );
    expect(bodies("abc")).toEqual(["response_body 3 1"]);
    expect(bodies("ab", "c")).toEqual(["response_body 2 0", "response_body 1 0"]);
  });

  it("have no trailers", () => {
    const log = callbacks({}, { requestEnd: "trailers", responseEnd: "trailers" });
    expect(log.filter((line) => line.includes("trailers"))).toEqual([]);
    expect(log).toContain("request_body 8 1");
    expect(log).toContain("response_body 0 1");
  });

  it("report a pause that nothing ends", () => {
    const hang = (callback: string) => [`[hang] proxy_on_${callback} returned "PAUSE": nothing resumes the request`];
    expect(run(nginx(), ["request_headers pause"], { request: {} }).alerts).toEqual(hang("request_headers"));
    expect(run(nginx(), ["request_body pause"]).alerts).toEqual(hang("request_body"));
    expect(run(nginx(), ["response_headers pause"]).alerts[0]).toMatch(/^\[warn\] "ResponseHeaders" returned "PAUSE"/);
  });

  it("gather a response on which the module pauses", () => {
    const { log, alerts } = run(nginx(), ["response_body pause"], { response: { body: ["a", "b", "c"] } });
    expect(log.filter((line) => line.startsWith("response_body"))).toEqual(["response_body 1 0", "response_body 3 1"]);
    expect(alerts).toEqual([]);
  });

  it("make the worker crash if the module does not export them", () => {
    const { log, alerts } = run(nginx(), [], {}, { module: "test/host/modules/without-delete.ts" });
    expect(log.slice(-2)).toEqual(["done", "log"]);
    expect(alerts).toEqual(["[crash] the module does not export proxy_on_delete"]);
    expect(() => start(nginx(), [], { module: "test/host/modules/turns.ts" })).toThrow(/export proxy_on_vm_start/);
  });
});

describe("headers", () => {
  const spec: Exchange = {
    request: { path: "/a%62//c/../d?x=%20", headers: { "content-type": "application/json", "mcp-session-id": "s" } },
    response: { headers: { "content-type": "application/json", "mcp-session-id": "s" } },
  };

  it("have the spelling of HTTP/1, and pseudo-headers of NGINX's", () => {
    const { log } = run(
      nginx({ serverName: "tools:8080" }),
      ["request_headers pairs 0", "response_headers pairs 2"],
      spec,
    );
    expect(log.slice(1, 8)).toEqual([
      ...[":path: /ab/d?x=%20", ":method: POST", ":scheme: http", ":authority: tools:8080", "Host: mcp.example"],
      ...["Content-Type: application/json", "Mcp-Session-Id: s"],
    ]);
    const response = log.slice(log.indexOf("response_headers 7 0") + 1);
    expect(response.slice(0, 4)).toEqual([
      ...[":status: 200", "Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: keep-alive"],
    ]);
    expect(response).toContain("Mcp-Session-Id: s");
  });

  it("are found by any spelling, in all later callbacks", () => {
    expect(result("log header 0 mcp-session-id", spec)).toEqual(["header 0: 0 s"]);
    expect(result("response_body header 0 MCP-SESSION-ID", spec)).toEqual(["header 0: 0 s"]);
    expect(result("log header 2 mcp-session-id", spec)).toEqual(["header 2: 0 s"]);
    expect(result("request_headers header 0 absent", spec)).toEqual(["header 0: 1"]);
  });

  it("change in their own phase only", () => {
    const { stream } = run(
      nginx(),
      ["request_headers replace 0 mcp-session-id t", "request_headers remove 0 content-type"],
      spec,
    );
    const head = stream!.requestHead.map(([name]) => name.toLowerCase());
    expect(head).toContain("mcp-session-id");
    expect(head).not.toContain("content-type");
    expect(result("response_headers add 0 a b")).toEqual([
      "[error] cannot set header map 0 in proxy_on_response_headers",
      "proxy_on_response_headers: cannot set header map 0 in proxy_on_response_headers",
    ]);
    expect(result("response_body add 2 a b")[0]).toMatch(/^\[error\] cannot set header map 2/);
    expect(result("request_headers replace 0 :authority x")).toEqual([
      "replace 0: 0",
      '[error] cannot set read-only ":authority" header',
    ]);
  });

  it("are cut at 100", () => {
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`x-${index}`, "1"]));
    const { log, alerts } = run(nginx(), ["request_headers pairs 0"], { request: { headers: many } });
    expect(log.filter((line) => line.includes(": "))).toHaveLength(101);
    expect(alerts).toEqual(["[warn] marshalled map truncated to 100 elements"]);
  });
});

describe("bodies", () => {
  it("are read from their first byte, whatever the offset", () => {
    expect(result("request_body buffer 0 0 8")).toEqual(["buffer 0: 0 question"]);
    expect(result("request_body buffer 0 5 3")).toEqual(["buffer 0: 0 que"]);
    expect(result("response_body buffer 1 0 6", { response: { body: ["answer"] } })[0]).toBe("buffer 1: 0 answer");
  });

  it("cannot be read if NGINX wrote them to a file", () => {
    const large = "x".repeat(16_385);
    expect(result("request_body buffer 0 0 99999", { request: { body: large } })).toEqual([
      "buffer 0: 1",
      "[error] cannot read request body buffered to file",
    ]);
  });

  it("must not be read in parts, or in another phase", () => {
    const large = { response: { body: "x".repeat(9000) } };
    expect(result("response_body buffer 1 0 8999", large)[0]).toMatch(/^\[crash\] a part of a chain/);
    expect(result("log buffer 1 0 10")[0]).toMatch(/^\[error\] can only get response body/);
    expect(result("response_headers buffer 0 0 10")[0]).toMatch(/^\[error\] can only get request body/);
  });

  const passed = (call: string) => run(nginx(), [call]).stream!.passedRequest;

  it("lose all bytes from the offset of a write", () => {
    expect(passed("request_body write 0 0 0 new")).toBe("newquestion");
    expect(passed("request_body write 0 0 2 new")).toBe("ne");
    expect(passed("request_body write 0 0 99 new")).toBe("new");
    expect(passed("request_body write 0 5 0 new")).toBe("questnew");
    expect(passed("request_body write 0 2147483647 0 new")).toBe("questionnew");
    expect(passed("request_body write 0 0 99 nothing")).toBe("");
    expect(result("response_headers write 1 0 0 new")[0]).toMatch(/^\[error\] can only set response body/);
  });
});

describe("local replies", () => {
  it("pass through the module, with a line feed", () => {
    const { log, stream } = run(nginx(), ["request_body reply 403 why no"]);
    expect(log).toEqual([
      ...["request_headers 10 0", "request_body 8 1", "reply 403: 0"],
      ...["response_headers 5 0", "response_body 3 1", "done", "log", "delete"],
    ]);
    expect(stream!.received.toString()).toBe("no\n");
    expect(stream!.reply).toMatchObject({ status: 403, details: "why" });
  });

  it("replace only the first bytes of a response that has begun", () => {
    const { stream } = run(nginx(), ["response_headers reply 403 why no"], {
      response: { body: ["secret", "secrets"] },
    });
    expect(stream!.responseHead[0]).toEqual([":status", "403"]);
    expect(stream!.received.toString()).toBe("no\nsecrets");
  });

  it("trap where they come too late, or twice", () => {
    expect(result("response_body reply 403 why no")[0]).toBe("[error] response already sent");
    const twice = run(nginx(), ["request_body reply 403 why no", "request_body reply 403 why no"]);
    expect(twice.alerts).toEqual(["[error] local response already stashed"]);
  });
});

describe("properties", () => {
  const properties = { "connection.id": 12345678, "source.address": "[2001:db8::1]:443" };

  it("are text", () => {
    const options = { properties };
    expect(result("request_headers property connection.id", {}, options)).toEqual([
      "property connection.id: 0 12345678",
    ]);
    expect(result("request_headers property source.address", {}, options)).toEqual([
      "property source.address: 0 2001:db8::1",
    ]);
    expect(result("request_headers property source.address")).toEqual(["property source.address: 0 192.0.2.1"]);
    expect(result("log property plugin_name")).toEqual(["property plugin_name: 0 mcp"]);
  });

  it("cost log lines if NGINX lacks them", () => {
    const lines = (path: string) => result(`log property ${path}`);
    expect(lines("xds.cluster_name")).toEqual(["property xds.cluster_name: 1"]);
    expect(lines("response.code_details")[1]).toBe('[error] "response.code_details" property not supported');
    const certificate = "connection.uri_san_peer_certificate";
    expect(lines(certificate)).toEqual([`property ${certificate}: 1`, `[alert] NYI - "${certificate}" property`]);
  });

  it("do not exist in a root context", () => {
    expect(() => start(nginx(), ["configure property plugin_root_id"])).toThrow(/the worker process crashes/);
    const plugin = start(nginx(), ["configure property xds.cluster_name"]);
    expect(takeLog(plugin)).toEqual(["property xds.cluster_name: 10"]);
    expect(plugin.vm.alerts).toEqual(["[error] cannot get scoped properties outside of a request"]);
  });

  it("write declared variables", () => {
    const host = nginx({ variables: ["mcp_tool"] });
    const { stream, alerts } = run(host, ["log set_property ngx.mcp_tool echo", "log property ngx.mcp_tool"]);
    // NGINX has written its access log before.
    expect(stream!.state).toEqual(new Map());
    expect(alerts).toEqual([]);
    const before = run(host, ["request_headers set_property ngx.mcp_tool echo"]);
    expect(before.stream!.state).toEqual(new Map([["mcp_tool", "echo"]]));
    expect(result("log set_property ngx.other x")).toEqual(["set_property ngx.other: 1"]);
    expect(result("log set_property tool x")).toEqual(["set_property tool: 1"]);
    expect(result("log set_property ngx.remote_addr x")).toEqual([
      "set_property ngx.remote_addr: 10",
      '[error] variable "remote_addr" is not changeable',
    ]);
  });
});

describe("timers", () => {
  it("tick in the root context, without access to streams", () => {
    const plugin = start(nginx(), ["configure tick_period 1000", "tick continue 0"]);
    expect(plugin.id).toBeGreaterThan(1000);
    expect(() => plugin.tick()).toThrow(/proxy_continue_stream in a root context/);
    expect(plugin.vm.alerts).toEqual(["[crash] proxy_continue_stream in a root context"]);
    expect(takeLog(plugin)).toEqual(["tick_period 1000: 0", "tick"]);
  });

  it("trap if they are set again, or by a stream", () => {
    expect(() => start(nginx(), ["configure tick_period 1000", "configure tick_period 500"])).toThrow(/already set/);
    expect(result("request_headers tick_period 1000")[0]).toBe("[error] can only set tick_period in root context");
  });
});

describe("shared data", () => {
  const calls = (...list: string[]) => list.map((call) => `log ${call}`);
  const results = (log: string[]) => log.filter((line) => /^(store|read|version) /.test(line));

  it("is created with version 0, and then changed with its own version only", () => {
    const { log } = run(
      nginx(),
      calls("store key one 4294967295", "store key one 0", "store key two 0", "read key", "store key two 1"),
    );
    expect(results(log)).toEqual([
      ...["store key: 8", "store key: 0", "store key: 8"],
      ...["version 1", "read key: 0 one", "store key: 0"],
    ]);
  });

  it("confuses keys with the same CRC-32", () => {
    const { log } = run(nginx(), calls("store plumless one 0", "read buckeroo"));
    expect(results(log)).toEqual(["store plumless: 0", "version 1", "read buckeroo: 0 one"]);
  });

  it("needs a zone", () => {
    const { alerts } = run(nginx({ hasSharedData: false }), calls("read key"));
    expect(alerts).toEqual(["[error] failed getting value from shm (could not resolve namespace)"]);
  });
});

describe("metrics", () => {
  it("are shared by the workers, and have one id for a name", () => {
    const shared = { metrics: new MetricStore(), sharedData: new SharedDataStore(), clock: new Clock() };
    const calls = ["configure tick_period 1000", "tick increment 0 hits", "tick record 1 open", "tick record 2 took"];
    for (let worker = 0; worker < 2; worker++) start(nginx(), calls, shared).tick();
    expect(shared.metrics.counters()).toEqual({ hits: 4 });
    expect(shared.metrics.gauges()).toEqual({ open: 7 });
    expect(shared.metrics.histogram("took").count).toBe(2);
  });

  it("trap at long names, wrong types and a full slab", () => {
    expect(result(`log define 0 ${"n".repeat(249)}`)).toEqual(["define 0: 0"]);
    expect(result(`log define 0 ${"n".repeat(250)}`)[0]).toMatch(
      /^\[error\] could not define metric: name .* too long$/,
    );
    expect(result("log increment 1 open")[0]).toMatch(/metric not a counter$/);
    expect(result("log record 0 hits")[0]).toMatch(/metric is a counter$/);
    const { alerts } = run(nginx({ slabBytes: 512 }), [
      "log define 0 a",
      "log define 0 b",
      "log define 0 c",
      "log define 0 d",
    ]);
    expect(alerts[0]).toMatch(/no memory \(increase "slab_size" directive\)$/);
  });
});

test("functions that are not implemented trap", () => {
  const trapped = (call: string) => run(nginx(), [`log ${call}`]).alerts;
  expect(trapped("done")).toEqual(["[error] host trap (function not yet implemented): proxy_done"]);
  expect(trapped("resolve q")).toEqual([
    "[error] host trap (function not yet implemented): proxy_resolve_shared_queue",
  ]);
  expect(trapped("register q")).toEqual(["[error] could not find queue"]);
  expect(trapped("foreign declare_property")).toEqual(["[error] unknown foreign function"]);
  expect(trapped("call collector")[0]).toMatch(/cannot send HTTP dispatch in proxy_on_log/);
  expect(result("log serve 99")).toEqual(["serve 99: 0"]);
  expect(result("log continue 0")).toEqual(["continue 0: 0"]);
});
