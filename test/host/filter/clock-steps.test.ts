import { describe, expect, test } from "vitest";
import { Clock, exchange, MetricStore, type Plugin, SharedDataStore } from "../../../scripts/host/index.ts";
import { MCP_HEADERS, SSE_ANSWER, countsBy, post, result, toolCall, startVm } from "./filter.ts";

const HOUR = 3_600_000;
const IDLE_SECONDS = 60;
/** After a session was idle for so long, the sweep has ended it: flush, lag and sweep. */
const SLACK_SECONDS = 15;

const inSession = (id: string) => ({ ...MCP_HEADERS, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" });

/** Workers of a proxy, each with a clock of its own. */
class Proxy {
  readonly shared = { metrics: new MetricStore(), sharedData: new SharedDataStore() };
  workers: Plugin[] = Array.from({ length: 3 }, () => this.start(new Clock()));

  start(clock: Clock): Plugin {
    const configuration = { sessions: { idleTimeout: `${IDLE_SECONDS}s` } };
    const vm = startVm({ ...this.shared, clock });
    return vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration });
  }

  /** Lets this many seconds pass, with a request in the session `keeps` in each of them. */
  pass(seconds: number, keeps?: string): void {
    for (let i = 0; i < seconds; i++) {
      for (const worker of this.workers) {
        worker.vm.clock.advance(1000);
        worker.tick();
      }
      if (keeps !== undefined) this.call(i % this.workers.length, keeps);
    }
  }

  call(worker: number, session: string): void {
    post(this.workers[worker], toolCall("echo"), result(), { headers: inSession(session) });
  }

  /** The worker that sweeps: it reads every bucket. */
  holder(): Plugin {
    for (const { vm } of this.workers) vm.calls.reset();
    this.pass(6);
    const reads = ({ vm }: Plugin) => vm.calls.count("proxy_get_shared_data");
    return this.workers.toSorted((a, b) => reads(b) - reads(a))[0];
  }

  counts(family: string, label: string): Record<string, number> {
    return countsBy(this.workers[0], family, label);
  }

  get active(): number {
    return this.counts("mcp_sessions_active", "mcp_session_kind").streamable;
  }

  get ended(): Record<string, number> {
    return this.counts("mcp_sessions_ended_total", "mcp_session_end");
  }

  get openStreams(): number {
    return this.counts("mcp_streams_active", "mcp_stream_kind").get;
  }

  get inFlight(): number {
    return this.counts("mcp_operations_in_flight", "mcp_server").tools;
  }

  get outcomes(): Record<string, number> {
    return this.counts("mcp_operations_total", "mcp_outcome");
  }
}

const STEPS = [
  ["back", -HOUR],
  ["forward", HOUR],
] as const;

describe.each(STEPS)("where the clock is set %s by an hour", (_, step) => {
  describe.each(["on all workers", "on the worker with the lease"])("%s", (where) => {
    function stepped(): Proxy {
      const proxy = new Proxy();
      proxy.call(0, "old");
      const get = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "old" } };
      exchange(proxy.workers[1], { request: get, response: { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } });
      // It waits in the store: the client may come back for the answer.
      const unanswered = { headers: SSE_ANSWER, body: "id: 1\ndata:\n\n" };
      post(proxy.workers[2], toolCall("slow", 7), unanswered, { headers: inSession("old") });
      const holder = proxy.holder();
      for (const worker of proxy.workers) {
        if (where === "on all workers" || worker === holder) worker.vm.clock.advance(step);
      }
      return proxy;
    }

    test("sweeps go on, and the gauges are right", () => {
      const proxy = stepped();
      proxy.pass(2);
      proxy.call(1, "new");
      proxy.pass(8);
      expect([proxy.active, proxy.openStreams, proxy.inFlight, proxy.ended]).toEqual([2, 1, 1, {}]);
    });

    test("sessions and operations that wait end when their time has come, and others do not", () => {
      const proxy = stepped();
      proxy.pass(1, "new");
      proxy.pass(IDLE_SECONDS - 10, "new");
      expect([proxy.active, proxy.inFlight, proxy.ended]).toEqual([2, 1, {}]);
      proxy.pass(10 + SLACK_SECONDS, "new");
      expect([proxy.active, proxy.inFlight, proxy.ended]).toEqual([1, 0, { idle: 1 }]);
      expect(proxy.outcomes).toMatchObject({ unanswered: 1 });
      proxy.pass(IDLE_SECONDS + SLACK_SECONDS);
      expect([proxy.active, proxy.ended]).toEqual([0, { idle: 2 }]);
      const durations = proxy.workers[0].vm.metrics.histogram("mcp_session_duration_milliseconds").values;
      expect(Math.max(...durations)).toBeLessThan(2 * (IDLE_SECONDS + SLACK_SECONDS) * 1000);
    });

    test("another worker takes the lease when its holder is gone, and a new VM keeps to the workers' time", () => {
      const proxy = stepped();
      proxy.pass(2);
      const holder = proxy.holder();
      proxy.workers = proxy.workers.filter((worker) => worker !== holder);
      const clock = new Clock();
      clock.now = holder.vm.clock.now;
      proxy.workers.push(proxy.start(clock));
      proxy.pass(2);
      proxy.call(2, "new");
      proxy.pass(10);
      expect([proxy.active, proxy.ended]).toEqual([2, {}]);
    });
  });
});
