/** Tests the memory use of the access policy. */
import { expect, test } from "vitest";
import { effort } from "../../effort.ts";
import { modulePath } from "../../modules.ts";
import { loadModule, type Plugin, requestHead, Vm } from "../../../scripts/host/index.ts";
import { batch, error, MCP_HEADERS, notification, request, result, toolCall } from "./filter.ts";
import { ask, guarded, startGuarded, tools } from "./access.ts";
import { inSession } from "./open-stream.ts";

const REQUESTS = effort(100_000, 500_000);
const head = requestHead({ headers: MCP_HEADERS });
const me = { properties: { "connection.uri_san_peer_certificate": "spiffe://a/ns/b/sa/me" } };
const when = [
  { key: "mcp.arguments[text]", values: ["hello*"] },
  { key: "mcp.clientName", notValues: ["cursor"] },
];
const access = {
  principalSources: ["peer_certificate", "filter_state", "jwt", "x-forwarded-client-cert"],
  audit: { perSecond: 100, arguments: true },
  rules: [
    tools("DENY", "no-rm", "rm*"),
    { name: "trial", action: "DENY", mode: "shadow", to: [{ operation: { tools: ["e*"] } }] },
    { ...tools("ALLOW", "say", "echo"), from: [{ source: { principals: ["spiffe://a/*"] } }], when: when.slice(0, 1) },
    { name: "named", action: "ALLOW", when },
    { name: "roots", action: "DENY", to: [{ operation: { methods: ["roots/list"], direction: "server_to_client" } }] },
  ],
};

/** Requests of every kind that the policy meets. */
const KINDS: Record<string, (plugin: Plugin, i: number) => void> = {
  "a call that is allowed": (plugin, i) => void ask(plugin, toolCall("echo", i), me),
  "a call that is denied": (plugin, i) => void ask(plugin, toolCall("rm", i), me),
  "a notification that is denied": (plugin) => void ask(plugin, notification("notifications/x")),
  "a batch that is denied": (plugin, i) => void ask(plugin, batch(toolCall("echo", i), toolCall("rm", -i)), me),
  "an answer that is denied": (plugin, i) => void ask(plugin, result({}, i), { headers: inSession("s") }),
  "a refusal": (plugin) => void ask(plugin, '{"Method":"x"}'),
  "a compressed body": (plugin) =>
    void ask(plugin, toolCall("x"), { headers: { ...MCP_HEADERS, "content-encoding": "gzip" } }),
  "a forwarded certificate": (plugin) => {
    const headers = { ...MCP_HEADERS, "x-forwarded-client-cert": 'By="x";URI="spiffe://a/x"' };
    ask(plugin, toolCall("echo"), { headers });
  },
  "a body that is too large": (plugin) => void ask(plugin, [toolCall("x".repeat(2000)), "y"]),
  "a request that breaks off": (plugin) => {
    const stream = plugin.stream();
    stream.requestHeaders(head);
    stream.requestBody(Buffer.from(toolCall("rm").slice(0, 40)));
    stream.reset("client");
  },
  "an error of the server": (plugin, i) =>
    void ask(plugin, toolCall("echo", i), { ...me, response: { body: error(1, i) } }),
};

test(
  `memory does not grow by a page over ${REQUESTS} requests of all kinds`,
  { timeout: effort(120_000, 600_000) },
  () => {
    const plugin = startGuarded({ ...access, maxBodyBytes: "1KiB" });
    const kinds = Object.values(KINDS);
    const run = (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        kinds[i % kinds.length](plugin, i);
        if (i % 500 === 0) {
          plugin.vm.clock.advance(1000);
          plugin.tick();
          plugin.vm.logs.length = 0;
        }
      }
    };
    run(0, 20_000);
    const pages = plugin.vm.memoryPages();
    run(20_000, REQUESTS);
    expect(plugin.vm.memoryPages()).toBe(pages);
  },
);

test("memory does not grow by a page over 100000 denials between two ticks", () => {
  const plugin = startGuarded({ ...access, audit: { perSecond: 0 } });
  const deny = (count: number) => {
    for (let i = 0; i < count; i++) KINDS["a call that is denied"](plugin, i);
  };
  deny(2000);
  const pages = plugin.vm.memoryPages();
  deny(100_000);
  expect(plugin.vm.memoryPages()).toBe(pages);
});

test("a held request uses at most 2 KiB, and its memory is reused", () => {
  // All of them belong to one caller, which may have a quarter.
  const plugin = startGuarded(access, { more: { hold: { maxStreams: 20_000 } } });
  const open = (count: number) =>
    Array.from({ length: count }, () => {
      const stream = plugin.stream();
      stream.requestHeaders(head);
      stream.requestBody(Buffer.from(toolCall("rm").slice(0, 40)));
      return stream;
    });
  for (const stream of open(100)) stream.reset("client");
  const before = plugin.vm.memoryPages();
  const streams = open(5000);
  const peak = plugin.vm.memoryPages();
  expect(((peak - before) * 65536) / 5000).toBeLessThanOrEqual(2048);
  for (const stream of streams) stream.reset("client");
  for (const stream of open(5000)) stream.reset("client");
  expect(plugin.vm.memoryPages()).toBe(peak);
});

let allocations = 0;
const passOn = (address: number) => address;
const count = () => void allocations++;
const rtrace = {
  ...{ oninit: passOn, onalloc: count, onresize: count, onmove: passOn, onfree: passOn },
  ...{ onvisit: () => 1, oncollect: passOn, onstore: passOn, onload: passOn },
};

/** Replies leave strings, which are collected from time to time. */
const PASSING = ["a call that is allowed", "a request that breaks off", "an error of the server"];

test.each(PASSING)("nothing is allocated, managed or not, for %s in steady state", (kind) => {
  const run = KINDS[kind];
  const vm = new Vm(loadModule(modulePath("test/host/filter/modules/traced.ts")), { imports: { rtrace } });
  const configuration = guarded({ ...access, maxBodyBytes: "1KiB", audit: { perSecond: 0 } });
  const plugin = vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration });
  for (let i = 0; i < 20; i++) run(plugin, i);
  allocations = 0;
  for (let i = 0; i < 100; i++) run(plugin, i);
  expect(allocations).toBe(0);
});

test("a call is decided without copying its body", () => {
  const plugin = startGuarded(access);
  const body = request("tools/call", { name: "echo", arguments: { text: "hello", x: "y".repeat(200_000) } });
  ask(plugin, body, me);
  plugin.vm.calls.reset();
  ask(plugin, body, { ...me, response: { status: 202 } });
  // Once for the decision, once for what is counted.
  expect(plugin.vm.calls.bodyBytes).toBe(2 * body.length);
});
