/** Tests that a new policy applies to every new request, also on connections that an older configuration still serves. */
import { describe, expect, test } from "vitest";
import { type LogLine } from "../../../scripts/host/index.ts";
import { ask, auditOf, deniedBy, guarded, refusedFor, tools } from "./access.ts";
import { JSON_ANSWER, MCP_HEADERS, countsBy, request, result, startVm } from "./filter.ts";
import { type Connection, Listener, Proxy } from "./updates.ts";

const ECHO = guarded({ rules: [tools("ALLOW", "echo", "echo")] });
const DATE = guarded({ rules: [tools("ALLOW", "date", "date")] });
const BOTH = guarded({ rules: [tools("ALLOW", "both", "echo", "date")] });
const NONE = { match: { paths: ["/mcp"] } };

/** What a connection may call: of echo, date and rm. */
const calls = (connection: Connection) => connection.allows("echo", "date", "rm");
const gauge = (proxy: Proxy, name: string, labels = {}) => proxy.shared.metrics.gauge(name, labels);

/** A listener with a connection that stays open, on a proxy with two workers. */
function start(configuration: object) {
  const proxy = new Proxy(2);
  const listener = new Listener(proxy, configuration);
  const kept = listener.connect(0);
  calls(kept);
  proxy.pass(2);
  return { proxy, listener, kept };
}

/** Opens new connections on each worker. */
function connections(listener: Listener): void {
  for (const worker of [0, 1]) calls(listener.connect(worker));
}

describe("a request on a connection that an older configuration serves", () => {
  test("must be allowed by both policies", () => {
    const { proxy, listener, kept } = start(BOTH);
    expect(calls(kept)).toEqual([true, true, false]);
    listener.push(ECHO);
    proxy.pass(2);
    expect(calls(kept)).toEqual([true, false, false]);
    expect(kept.call("date").reply).toEqual(deniedBy("_default"));
    const decisions = countsBy(kept.plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action");
    expect(decisions["_newer deny"]).toBe(3);
    expect(auditOf(kept.plugin).at(-1)).toMatchObject({ rule: "_default", target: "date" });
    expect(calls(listener.connect(1))).toEqual([true, false, false]);
  });

  test("is denied if neither policy allows it, in either order of age", () => {
    const { proxy, listener, kept } = start(ECHO);
    listener.push(DATE);
    proxy.pass(2);
    expect(calls(kept)).toEqual([false, false, false]);
    expect(calls(listener.connect())).toEqual([false, true, false]);
  });

  test("is rejected by the newer policy if both would reject it by its headers", () => {
    const { proxy, listener, kept } = start(BOTH);
    listener.push(ECHO);
    proxy.pass(2);
    const headers = { ...MCP_HEADERS, "content-encoding": "gzip" };
    expect(kept.call("echo", { headers }).reply).toEqual(refusedFor("compressed"));
    const decisions = countsBy(kept.plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action");
    expect(decisions["_newer deny"]).toBe(1);
    expect(decisions["_refused deny"]).toBeUndefined();
  });

  test("for a list gets what both policies allow", () => {
    const listing = { name: "lists", action: "ALLOW", to: [{ operation: { methods: ["tools/list"] } }] };
    const showing = (...names: string[]) => guarded({ rules: [listing, tools("ALLOW", "some", ...names)] });
    for (const before of [showing("echo", "date"), NONE]) {
      const { proxy, listener, kept } = start(before);
      listener.push(showing("echo", "rm"));
      proxy.pass(2);
      const names = ["echo", "date", "rm", "other"];
      const body = result({ tools: names.map((name) => ({ name })) });
      const asking = { properties: { "connection.id": kept.id }, response: { headers: JSON_ANSWER, body } };
      const { stream } = ask(kept.plugin, request("tools/list"), asking);
      const shown = before === NONE ? ["echo", "rm"] : ["echo"];
      expect(stream.received.toString()).toBe(result({ tools: shown.map((name) => ({ name })) }));
    }
  });

  test("of an instance without a policy is decided by the newer one alone", () => {
    const { proxy, listener, kept } = start(NONE);
    listener.push(ECHO);
    proxy.pass(2);
    expect(calls(kept)).toEqual([true, false, false]);
    expect(gauge(proxy, "mcp_access_outdated", { mcp_role: "server" })).toBe(1);
  });

  test("is decided by its own policy if the newer configuration has none, or only a dry run", () => {
    for (const newer of [NONE, guarded({ mode: "shadow", rules: [] })]) {
      const { proxy, listener, kept } = start(ECHO);
      listener.push(newer);
      proxy.pass(2);
      expect(calls(kept)).toEqual([true, false, false]);
      expect(calls(listener.connect())).toEqual([true, true, true]);
    }
  });

  test("is denied if a bad configuration closes MCP", () => {
    const { proxy, listener, kept } = start(NONE);
    listener.push(guarded({ rules: [{ form: [] }] }));
    proxy.pass(2);
    expect(kept.call("echo").reply).toEqual(deniedBy("_closed"));
  });

  test("keeps its body if only one of the two policies reads it", () => {
    const everything = guarded({ defaultAction: "ALLOW", rules: [] });
    for (const [older, newer] of [
      [everything, ECHO],
      [ECHO, everything],
    ]) {
      const { proxy, listener, kept } = start(older);
      listener.push(newer);
      proxy.pass(2);
      expect(calls(kept)).toEqual([true, false, false]);
    }
  });

  test("is decided by the old policy if the module cannot read the new one", () => {
    const { proxy, listener, kept } = start(ECHO);
    // Writes a leader that this module cannot read, as a newer module would.
    listener.push(DATE);
    proxy.pass(2);
    expect(calls(kept)).toEqual([false, false, false]);
    const key = proxy.shared.sharedData.keys().find((each) => each.includes("/server/claims"))!;
    const { bytes, cas } = proxy.shared.sharedData.get(key)!;
    const text = Buffer.from(bytes).toString("latin1").replace('"rules"', '"limit"');
    const other = Buffer.from(text, "latin1");
    // The hash of the applied configuration, which shows that it changed.
    other.writeBigUInt64LE(other.readBigUInt64LE(8) + 1n, 8);
    proxy.shared.sharedData.set(key, other, cas);
    kept.plugin.tick();
    expect(calls(kept)).toEqual([true, false, false]);
  });

  test("with a role that is not configured follows its own direction", () => {
    const proxy = new Proxy();
    const inbound = new Listener(proxy, ECHO);
    const outbound = new Listener(proxy, { ...NONE, server: "x" });
    const out = { properties: { "xds.listener_direction": 2 } };
    const [kept, other] = [inbound.connect(), outbound.connect()];
    expect(calls(kept)).toEqual([true, false, false]);
    expect(other.call("rm", out).reply).toBeUndefined();
    proxy.pass(2);
    inbound.push(DATE);
    proxy.pass(2);
    expect(calls(kept)).toEqual([false, false, false]);
    expect(other.call("rm", out).reply).toBeUndefined();
  });
});

describe("which configuration leads", () => {
  test("three ticks after an update, no request that the new policy denies passes on any worker", () => {
    const proxy = new Proxy(4);
    const listener = new Listener(proxy, BOTH);
    const kept = [0, 1, 2, 3].map((worker) => listener.connect(worker));
    for (const newer of [ECHO, DATE, guarded({ rules: [] })]) {
      listener.push(newer);
      proxy.pass(3);
      const allowed = calls(listener.connect());
      for (const connection of kept) {
        calls(connection).forEach((isAllowed, index) => expect(isAllowed && !allowed[index]).toBe(false));
      }
    }
  });

  test("a worker that is late with an older configuration does not make it the leader", () => {
    const { proxy, listener, kept } = start(BOTH);
    const late = startVm(proxy.shared);
    listener.push(ECHO);
    proxy.pass(2);
    const options = { name: "mcp", rootId: "root", properties: { "xds.cluster_name": "tools" } };
    const plugin = late.plugin({ ...options, configuration: JSON.stringify(BOTH) });
    for (let i = 0; i < 4; i++) {
      proxy.pass(1);
      plugin.tick();
    }
    expect(calls(kept)).toEqual([true, false, false]);
    expect(calls(listener.connect(1))).toEqual([true, false, false]);
  });

  test("a worker that is late with the return of the leader does not change the leader either", () => {
    const { proxy, listener, kept } = start(BOTH);
    listener.push(NONE);
    proxy.pass(2);
    proxy.end(listener.chain);
    // The configuration returns by a call while it still leads, and a newer one follows before the second worker has settled
    // either.
    const again = new Listener(proxy, NONE);
    again.push(ECHO);
    connections(again);
    proxy.pass(2);
    expect(calls(kept)).toEqual([true, false, false]);
    expect(calls(again.connect(1))).toEqual([true, false, false]);
  });

  test("a configuration that returns by a call becomes the leader", () => {
    const { proxy, listener } = start(ECHO);
    const first = listener.push(BOTH);
    proxy.pass(2);
    proxy.end(first);
    const kept = listener.connect();
    expect(calls(kept)).toEqual([true, true, false]);
    listener.push(ECHO);
    proxy.pass(2);
    expect(calls(kept)).toEqual([true, false, false]);
    expect(calls(listener.connect())).toEqual([true, false, false]);
  });

  test("one that returns without a call becomes the leader once a newer connection than the leader's proves it", () => {
    const { proxy, listener, kept } = start(ECHO);
    listener.push(DATE);
    proxy.pass(1);
    connections(listener);
    proxy.pass(3);
    const since = listener.connect();
    listener.push(ECHO);
    // Until the return is proved, both policies apply.
    expect(calls(listener.connect())).toEqual([false, false, false]);
    proxy.pass(4);
    expect(calls(listener.connect())).toEqual([true, false, false]);
    expect(calls(kept)).toEqual([true, false, false]);
    expect(calls(since)).toEqual([false, false, false]);
  });

  test("traffic of a draining instance proves nothing, however long it lasts and on however many connections", () => {
    const { proxy, listener, kept } = start(BOTH);
    const idle = [0, 1].flatMap((worker) => Array.from({ length: 4 }, () => listener.connect(worker)));
    listener.push(ECHO);
    proxy.pass(1);
    connections(listener);
    for (const connection of [kept, ...idle]) {
      proxy.pass(4);
      expect(calls(connection)).toEqual([true, false, false]);
    }
  });

  test("nor does it if the leader has served no stream yet", () => {
    const { proxy, listener } = start(BOTH);
    const idle = Array.from({ length: 4 }, () => listener.connect());
    listener.push(ECHO);
    for (const connection of idle) {
      proxy.pass(4);
      expect(calls(connection)).toEqual([true, false, false]);
    }
  });

  test("if all instances of the leader have ended, the newest live configuration leads", () => {
    const { proxy, listener, kept } = start(BOTH);
    const other = new Listener(proxy, BOTH);
    listener.push(ECHO);
    proxy.pass(2);
    proxy.end(listener.chain);
    proxy.pass(36);
    expect(calls(kept)).toEqual([true, true, false]);
    expect(calls(other.connect())).toEqual([true, true, false]);
  });

  test("a trap changes nothing", () => {
    const { proxy, listener, kept } = start(BOTH);
    listener.push(ECHO);
    proxy.pass(2);
    const options = { name: "mcp", rootId: "root", configuration: JSON.stringify(ECHO) };
    const renewed = startVm(proxy.shared).plugin({
      ...options,
      properties: { "xds.cluster_name": "tools" },
    });
    for (let i = 0; i < 4; i++) {
      proxy.pass(1);
      renewed.tick();
    }
    expect(calls(kept)).toEqual([true, false, false]);
  });

  test("plugins of other names, root ids, instances and roles are other groups", () => {
    const proxy = new Proxy();
    const first = new Listener(proxy, BOTH);
    const others = [
      new Listener(proxy, ECHO, "other"),
      new Listener(proxy, { ...ECHO, instance: "other" }),
      new Listener(proxy, { ...ECHO, role: "client" }),
    ];
    for (let i = 0; i < 4; i++) {
      for (const listener of [first, ...others]) calls(listener.connect());
      proxy.pass(1);
    }
    expect(calls(first.connect())).toEqual([true, true, false]);
    expect(gauge(proxy, "mcp_access_outdated", { mcp_role: "server" })).toBe(0);
  });

  test("two listeners that should have different instances are reported", () => {
    const proxy = new Proxy();
    const listeners = [new Listener(proxy, BOTH), new Listener(proxy, ECHO)];
    for (let i = 0; i < 120; i++) {
      for (const listener of listeners) calls(listener.connect());
      proxy.pass(1);
    }
    const lines = proxy.workers.flatMap(({ logs }): LogLine[] => logs).filter(({ level }) => level === "error");
    expect(lines.map(({ message }) => message)[0]).toMatch(/plugin "mcp".*give each its own instance/);
    expect(lines.length).toBeLessThan(5);
    expect(calls(listeners[0].connect())[2]).toBe(false);
  });

  test("configurations without a policy are not compared, and connections are not read", () => {
    const { proxy, listener, kept } = start(NONE);
    listener.push({ ...NONE, server: "x" });
    proxy.pass(4);
    const costOf = (connection: Connection) => {
      connection.call("rm");
      connection.plugin.vm.calls.reset();
      connection.call("rm");
      return connection.plugin.vm.calls.snapshot();
    };
    expect(costOf(kept)).toEqual(costOf(start(NONE).kept));
  });
});

describe("the gauges of the policy in force", () => {
  const policies = (proxy: Proxy) =>
    ["enforce", "shadow"].map((mode) => gauge(proxy, "mcp_access_policy", { mcp_access_mode: mode }));

  test("there is none without a policy", () => {
    const { proxy } = start(NONE);
    proxy.pass(10);
    for (const name of ["mcp_access_policy", "mcp_access_rules", "mcp_access_outdated"]) {
      expect(proxy.shared.metrics.gauges(name)).toEqual({});
    }
  });

  test("they follow the leading configuration, also before any traffic", () => {
    const proxy = new Proxy(2);
    const listener = new Listener(proxy, BOTH);
    proxy.pass(1);
    expect([...policies(proxy), gauge(proxy, "mcp_access_rules")]).toEqual([1, 0, 1]);
    listener.push(guarded({ mode: "shadow", rules: [tools("ALLOW", "a", "a"), tools("ALLOW", "b", "b")] }));
    proxy.pass(2);
    expect([...policies(proxy), gauge(proxy, "mcp_access_rules")]).toEqual([0, 1, 2]);
    listener.push(guarded({ rules: [{ form: [] }] }));
    proxy.pass(2);
    expect([...policies(proxy), gauge(proxy, "mcp_access_rules")]).toEqual([0, 1, 2]);
    listener.push(NONE);
    proxy.pass(2);
    expect([...policies(proxy), gauge(proxy, "mcp_access_rules")]).toEqual([0, 0, 0]);
  });

  test("a closed MCP is a policy without rules", () => {
    const proxy = new Proxy();
    new Listener(proxy, guarded({ rules: [{ form: [] }] }));
    proxy.pass(1);
    expect([...policies(proxy), gauge(proxy, "mcp_access_rules")]).toEqual([1, 0, 0]);
  });

  test("they count each group until it is gone", () => {
    const proxy = new Proxy();
    const first = new Listener(proxy, BOTH);
    new Listener(proxy, { ...NONE, instance: "open" });
    const other = new Listener(proxy, { ...ECHO, instance: "other" });
    proxy.pass(2);
    expect([...policies(proxy), gauge(proxy, "mcp_access_rules")]).toEqual([2, 0, 2]);
    proxy.end(other.chain);
    proxy.end(first.chain);
    proxy.pass(40);
    expect([...policies(proxy), gauge(proxy, "mcp_access_rules")]).toEqual([0, 0, 0]);
  });
});
