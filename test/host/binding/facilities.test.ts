/** Tests the facilities of the binding with a separate module: see modules/facilities.ts. */
import { beforeEach, describe, expect, test } from "vitest";

import { modulePath } from "../../modules.ts";
import { Action, type HttpStream, loadModule, type Plugin, Vm } from "../../../scripts/host/index.ts";

let vm: Vm;
let plugin: Plugin;

beforeEach(() => {
  vm = new Vm(loadModule(modulePath("test/host/binding/modules/facilities.ts")), { clusters: ["echo"] });
  plugin = vm.plugin({ allowHeadersStop: true });
  vm.logs.length = 0;
});

/** The new log lines of the module. */
function logged(): string[] {
  return vm.logs.splice(0).map(({ message }) => message);
}

/** A stream whose request headers, with this script, have arrived. */
function begin(script: string, headers: [string, string][] = []): HttpStream {
  const stream = plugin.stream();
  stream.requestHeaders([[":method", "POST"], ["x-script", script], ...headers]);
  return stream;
}

describe("bodies", () => {
  test.each([
    ["replace-body 3 __", "__def"],
    ["replace-body 99 all", "all"],
    ["replace-body 6", ""],
    ["prepend-body >>", ">>abcdef"],
    ["append-body <<", "abcdef<<"],
  ])("%s makes abcdef %s", (command, expected) => {
    const script = `request-body ${command}; response-body ${command}`;
    const stream = begin(script);
    stream.requestBody(Buffer.from("abcdef"));
    expect(stream.passedRequest).toBe(expected);
    stream.responseHeaders([[":status", "200"]]);
    stream.responseBody(Buffer.from("abcdef"), true);
    expect(stream.passedResponse).toBe(expected);
    expect(logged().filter((line) => line.endsWith(": true"))).toHaveLength(2);
  });

  test("a body that the module pauses on is changed as a whole", () => {
    const stream = begin("request-body pause; request-end replace-body 4 A");
    stream.requestBody(Buffer.from("abc"));
    stream.requestBody(Buffer.from("def"), true);
    expect(logged()).toEqual(["request-body 3", "request-body 6 end", "request-end replace-body 4: true"]);
    expect(stream.passedRequest).toBe("");
  });

  test("outside of its callback a body cannot be written", () => {
    begin("request-headers append-body x");
    expect(logged()).toEqual(["request-headers append-body x: false"]);
  });
});

describe("headers", () => {
  test("of a request are found, replaced, added and removed", () => {
    const script = [
      "find x-a",
      "find x-none",
      "replace x-a 2",
      "replace x-new 3",
      "add x-a 4",
      "remove x-b",
      "remove x-none",
      "find x-b",
    ];
    const stream = begin(script.map((step) => `request-headers ${step}`).join(";"), [
      ["x-a", "1"],
      ["x-a", "also"],
      ["x-b", "1"],
    ]);
    expect(logged().map((line) => line.replace("request-headers ", ""))).toEqual([
      "find x-a: 1",
      "find x-none: none",
      "replace x-a: true",
      "replace x-new: true",
      "add x-a: true",
      "remove x-b: true",
      "remove x-none: true",
      "find x-b: none",
    ]);
    expect(stream.requestHead.filter(([name]) => /^x-[^s]/.test(name))).toEqual([
      ["x-a", "2"],
      ["x-new", "3"],
      ["x-a", "4"],
    ]);
  });

  test("of a response likewise", () => {
    const stream = begin("response-headers replace server me; response-headers remove x-b; response-headers add x-c 1");
    stream.responseHeaders([
      [":status", "200"],
      ["server", "other"],
      ["x-b", "1"],
    ]);
    expect(stream.responseHead).toEqual([
      [":status", "200"],
      ["server", "me"],
      ["x-c", "1"],
    ]);
  });

  test("that have gone on are not accessible", () => {
    const stream = begin("request-body replace x-a 1; request-body add x-a 1; request-body remove x-a");
    stream.requestBody(Buffer.from("a"));
    expect(logged().slice(1)).toEqual([
      "request-body replace x-a: false",
      "request-body add x-a: false",
      "request-body remove x-a: false",
    ]);
  });

  test("of which the name is too long are refused without a host call", () => {
    vm.calls.reset();
    begin(`request-headers find ${"x".repeat(1025)}`);
    expect(logged()[0]).toMatch(/: none$/);
    expect(vm.calls.count("proxy_get_header_map_value")).toBe(1);
  });
});

describe("streams", () => {
  test("that are paused continue from a tick", () => {
    const stream = begin("request-headers pause; request-headers continue-after 20; response-headers pause");
    stream.requestBody(Buffer.from("abc"));
    expect(plugin.tickPeriod).toBe(20);
    vm.clock.advance(20);
    plugin.tick();
    expect(logged()).toContain("continued true");
    expect(vm.calls.count("proxy_continue_stream")).toBe(1);
  });

  test("that have ended do not become current", () => {
    const stream = begin("request-headers pause; request-headers continue-after 20");
    stream.end();
    vm.clock.advance(20);
    plugin.tick();
    expect(logged()).toContain("continued false");
    expect(vm.calls.count("proxy_continue_stream")).toBe(0);
  });

  test("continue in the direction of their response too", () => {
    const stream = begin("response-body pause; response-headers continue-after 20");
    stream.responseHeaders([[":status", "200"]]);
    expect(stream.responseBody(Buffer.from("abc"))).toBe(Action.Pause);
    vm.clock.advance(20);
    plugin.tick();
    expect(stream.passedResponse).toBe("abc");
  });
});

describe("callouts", () => {
  const ECHO = "request-headers pause; request-headers call echo";

  test("come back to the plugin instance that sent them", () => {
    const other = vm.plugin();
    const stream = begin(ECHO);
    const [callout] = vm.callouts.pending.values();
    expect(callout).toMatchObject({ cluster: "echo", body: Buffer.from("ping"), timeoutMs: 500, rootId: plugin.id });
    expect(callout.headers).toContainEqual([":path", "/callout"]);
    logged();
    plugin.respond(callout.token, { headers: [[":status", "200"]], body: Buffer.from("pong") });
    expect(logged()).toEqual(["response 200 pong"]);
    expect(vm.calls.count("proxy_continue_stream")).toBe(1);
    stream.end();
    other.close();
  });

  test("that failed have no headers", () => {
    begin(ECHO);
    logged();
    const [{ token }] = vm.callouts.pending.values();
    plugin.respond(token);
    expect(logged()).toEqual(["response  without headers "]);
  });

  test("to an unknown cluster are refused", () => {
    begin("request-headers call nowhere");
    expect(logged()).toEqual(["request-headers call nowhere: false"]);
    expect(vm.callouts.pending.size).toBe(0);
  });

  test("that come back late change nothing", () => {
    const stream = begin(ECHO);
    stream.end();
    const [{ token }] = vm.callouts.pending.values();
    plugin.respond(token, { headers: [[":status", "200"]], body: Buffer.from("pong") });
    expect(vm.calls.count("proxy_continue_stream")).toBe(0);
    plugin.close();
    vm.callback(plugin, "proxy_on_http_call_response", plugin.id, token, 1, 0, 0);
    expect(vm.failure).toBeUndefined();
  });
});

test("a shared queue wakes its plugin instance in a turn of its own", () => {
  begin("request-headers wake");
  expect(logged()).toEqual(["request-headers wake: true"]);
  expect(vm.queues.turn()).toBe(1);
  expect(logged()).toEqual(["ready"]);
  expect(vm.queues.waiting).toBe(0);
});
