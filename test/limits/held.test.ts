/** Limits together with an access policy, and bounds of what is held until both have decided. */
import { connect } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { readSamples } from "../../scripts/statistics/exposition.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { head } from "../access/socket.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { until } from "../envoy/sessions/until.ts";
import { CALLER, CallServer } from "./call-server.ts";
import { type Holding, limitedListener, PEER, workload } from "./limited.ts";

const BURST = 3;
const LIMITED = [{ name: "calls", key: ["principal"], requests: { amount: BURST, per: "12h" } }];
const NEVER = [{ name: "calls", key: ["principal"], requests: { amount: 1_000_000, per: "1s" } }];
const ACCESS = { rules: [{ name: "echo", action: "ALLOW", to: [{ operation: { tools: ["echo"] } }] }] };
/** One call at a time, for which all others wait. */
const one = (name: string) => [{ name, key: [], concurrency: 1, queue: { maxWait: "30s", maxLength: 1000 } }];
/** A policy that identifies callers. */
const CALLERS = {
  rules: [
    {
      name: "echo",
      action: "ALLOW",
      from: [{ source: { principals: ["*"] } }],
      to: [{ operation: { tools: ["echo"] } }],
    },
  ],
};
/** One caller has at most a quarter of either. */
const STREAMS = { maxStreams: 12 };
const OF_CALLER = 3;
const KIB = 1024;
const BYTES = { maxBytes: "1MiB", maxBodyBytes: "256KiB" };

const HOLDINGS: Holding[] = ["held", "default", "buffered"];

function listenersOf(holding: Holding): Record<string, Guarded> {
  const named = (name: string, rules: object[], hold: object) => [
    `${name}, ${holding}`,
    limitedListener(`${name}, ${holding}`, rules, holding, { hold }),
  ];
  // Without limits the bounds are the same.
  const policy = named("policy", NEVER, STREAMS) as [string, Guarded];
  delete (policy[1].plugin as { limits?: object }).limits;
  const both = named("both", LIMITED, {}) as [string, Guarded];
  return {
    [both[0]]: { ...both[1], access: ACCESS },
    [policy[0]]: { ...policy[1], access: CALLERS },
    ...(Object.fromEntries([
      named("streams", NEVER, STREAMS),
      named("bytes", NEVER, BYTES),
      named("queue of streams", one(`streams-${holding}`), STREAMS),
      named("queue of bytes", one(`bytes-${holding}`), BYTES),
    ]) as Record<string, Guarded>),
  };
}

const keep = endsAfterAll();
let server: CallServer;
let envoy: GuardedEnvoy;

beforeAll(async () => {
  server = keep(await CallServer.start());
  const listeners = Object.assign({}, ...HOLDINGS.map(listenersOf)) as Record<string, Guarded>;
  // The bounds are those of one worker.
  envoy = keep(await startGuarded(listeners, { upstream: server, concurrency: 1 }));
});

const headersOf = (caller: string) => ({ ...mcp.LEGACY, [PEER]: workload(caller), [CALLER]: caller });

async function call(listener: string, caller: string, tool: string): Promise<string> {
  const sent = { headers: headersOf(caller), body: [mcp.toolCall(1, tool)] };
  return String((await exchange(`${envoy.urlOf(listener)}/mcp`, sent)).body);
}

/** Number of requests that wait for a rule, as last recorded by the filter. */
async function waiting(rule: string): Promise<number> {
  const samples = readSamples(await envoy.stats(), "mcp_limit_queue_length");
  return samples.filter(({ labels }) => labels.mcp_limit_rule === rule).reduce((sum, { value }) => sum + value, 0);
}

/** A request with an incomplete body. */
class Unfinished {
  received = "";
  readonly #socket;

  /** @param size number of bytes of the body that are sent; one more is missing */
  constructor(url: string, caller: string, size: number) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on("data", (chunk) => (this.received += chunk.toString("latin1"))).on("error", () => {});
    const headers = { ...headersOf(caller), "content-length": String(size + 1) };
    this.#socket.write(head(headers) + mcp.toolCall(1, "echo").padEnd(size));
  }

  get status(): string {
    return this.received.slice("HTTP/1.1 ".length).slice(0, 3);
  }

  leave(): void {
    this.#socket.destroy();
  }

  finish(): void {
    this.#socket.write(" ");
  }
}

describe.each(HOLDINGS)("%s", (holding) => {
  it("what the policy denies is not charged", async () => {
    const listener = `both, ${holding}`;
    const caller = `both ${holding}`;
    for (let i = 0; i < 4 * BURST; i++) expect(await call(listener, caller, "other")).toContain('"code":403');
    for (let i = 0; i < BURST; i++) expect(await call(listener, caller, "echo")).toContain('"result"');
    expect(await call(listener, caller, "echo")).toContain('"code":429');
    // A caller that may not call learns nothing about limits.
    expect(await call(listener, caller, "other")).toContain('"code":403');
    expect(Object.fromEntries(server.of(caller).calls)).toEqual({ echo: BURST });
  });

  it.each([
    ["requests", "streams", 100, OF_CALLER],
    ["requests, with a policy alone", "policy", 100, OF_CALLER],
    // Two fit into a quarter.
    ["bytes", "bytes", 110 * KIB, 2],
  ])(
    "a flood of one caller's unfinished requests is bounded by %s, and others are served",
    async (_what, name, size, most) => {
      const listener = `${name}, ${holding}`;
      const flooder = `flooder ${listener}`;
      const flood = Array.from({ length: 20 }, () => new Unfinished(envoy.urlOf(listener), flooder, size));
      const answered = () => flood.filter(({ received }) => received.includes("\r\n\r\n"));
      await until(() => answered().length >= flood.length - most, "those beyond the bound are answered");
      const [status, why] = name === "policy" ? ["503", '"reason":"too_many_held"'] : ["429", '"rule":"_held"'];
      expect(answered().map((request) => request.status)).toEqual(Array(flood.length - most).fill(status));
      for (const { received } of answered()) expect(received).toContain(why);
      expect(server.of(flooder).total).toBe(0);

      for (let i = 0; i < 10; i++) expect(await call(listener, `other ${listener}`, "echo")).toContain('"result"');
      const waiting = flood.filter(({ received }) => received === "");
      expect(waiting).toHaveLength(most);
      for (const request of waiting) request.finish();
      await until(() => waiting.every(({ received }) => received.includes('"result"')), "what was held is served");
      expect(server.of(flooder).total).toBe(most);
      for (const request of flood) request.leave();
      expect(await call(listener, flooder, "echo")).toContain('"result"');
    },
  );

  it.each([
    ["requests", "queue of streams", "", OF_CALLER],
    // Two fit into a quarter.
    ["bytes", "queue of bytes", " ".repeat(110 * KIB), 2],
  ])(
    "a flood of one caller's requests that wait is bounded by %s, and others have their turn between",
    async (_what, name, padding, most) => {
      const listener = `${name}, ${holding}`;
      const [busy, flooder, other] = ["busy", "flooder", "other"].map((caller) => `${caller} ${listener}`);
      const send = (caller: string, tool: string, rest = "") =>
        exchange(`${envoy.urlOf(listener)}/mcp`, { headers: headersOf(caller), body: [mcp.toolCall(1, tool) + rest] });
      const first = send(busy, "wait");
      await until(() => server.of(busy).total === 1, "the permit is taken");

      let left = 20;
      const order: string[] = [];
      const flood = Array.from({ length: left }, async () => {
        const { body } = await send(flooder, "echo", padding);
        left--;
        if (String(body).includes('"result"')) order.push("flooder");
        return String(body);
      });
      await until(() => left === most, "those beyond the bound are answered");
      const polite = [0, 1].map(async (i) => {
        const { body } = await send(`${other} ${i}`, "echo");
        order.push("other");
        return String(body);
      });
      await expect
        .poll(() => waiting(`${name.split(" ")[2]}-${holding}`), { timeout: 20_000 })
        .toBe(most + polite.length);
      expect(server.of(flooder).total).toBe(0);

      server.release();
      for (const body of await Promise.all(polite)) expect(body).toContain('"result"');
      const bodies = await Promise.all(flood);
      expect(bodies.filter((body) => body.includes('"rule":"_held"'))).toHaveLength(flood.length - most);
      expect(bodies.filter((body) => body.includes('"result"'))).toHaveLength(most);
      expect(server.of(flooder).total).toBe(most);
      // They took turns: one request of the flooder comes before the others, and the rest after them.
      expect(order.lastIndexOf("other")).toBeLessThan(polite.length + 1);
      await first;
    },
  );

  it("requests whose clients have left are no longer held", async () => {
    const listener = `streams, ${holding}`;
    const leaver = `leaver ${listener}`;
    for (let round = 0; round < 5; round++) {
      const flood = Array.from({ length: OF_CALLER }, () => new Unfinished(envoy.urlOf(listener), leaver, 100));
      // Once a further one is rejected, all are held.
      await until(async () => (await call(listener, leaver, "echo")).includes('"code":429'), "the bound is reached");
      for (const request of flood) request.leave();
      await until(async () => (await call(listener, leaver, "echo")).includes('"result"'), "the caller is served");
    }
  });
});
