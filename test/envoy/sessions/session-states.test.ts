/** What sessions are about, on any number of workers: the gauge is what a script has its agents do, and so while they call. */
import type { ClientRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../../scripts/envoy/process.ts";
import { effort } from "../../effort.ts";
import { FRESH_SEED } from "../../seeds.ts";
import { endsAfterAll } from "../cleanup.ts";
import * as mcp from "../mcp-messages.ts";
import { readMetrics } from "../prometheus.ts";
import { begin, exchange, type RawAnswer } from "../raw-http.ts";
import { AGENT, StateServer, type StateTool } from "./state-server.ts";
import { until } from "./until.ts";

/** What an agent does; `asked` and `input` are both waiting_for_client. */
type Doing = "idle" | "calling" | "asked" | "input" | "queued";

const STATE_OF: Record<Doing, string> = {
  idle: "idle",
  calling: "calling",
  asked: "waiting_for_client",
  input: "waiting_for_client",
  queued: "waiting_for_limit",
};
/** Of an agent in a session, and of one in a window (2026-07-28), which the server asks by its answer. */
const OF_SESSIONS: Doing[] = ["idle", "calling", "asked", "queued"];
const OF_WINDOWS: Doing[] = ["idle", "calling", "input", "queued"];
const AGENTS = 16;
/** A caller has 15 of them by the names of its software. */
const WINDOWS = 8;
const PHASES = effort(2, 12);
/** A second until the store has a state, five until the gauge is recorded, and what a busy machine needs. */
const POLL = { timeout: 20_000, interval: 200 };

/** The limit that makes calls wait: one agent has its only permit. */
const RULE = {
  name: "one",
  to: [{ operation: { tools: ["queued"] } }],
  key: [],
  concurrency: 1,
  queue: { maxWait: "30s", maxLength: 100 },
};

let ids = 0;

/** A call whose answer has not ended. */
interface Call {
  id: number;
  request: ClientRequest;
  received: string;
  ended: boolean;
}

/** An agent, each of whose requests comes on a connection of its own and so meets any worker. */
class Agent {
  doing: Doing = "idle";
  #session: Record<string, string> = {};
  #calls: Call[] = [];

  constructor(
    private readonly url: string,
    private readonly server: StateServer,
    readonly name: string,
    private readonly isModern: boolean,
  ) {}

  get choices(): Doing[] {
    return this.isModern ? OF_WINDOWS : OF_SESSIONS;
  }

  async start(): Promise<void> {
    if (this.isModern) return this.call("echo");
    const clientInfo = { name: this.name, version: "1" };
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
    const { rawHeaders } = await this.#send(mcp.request(++ids, "initialize", params));
    const at = rawHeaders.findIndex((name) => name.toLowerCase() === "mcp-session-id");
    this.#session = { "mcp-session-id": rawHeaders[at + 1] };
  }

  /** Calls a tool that answers at once. */
  async call(tool: StateTool): Promise<void> {
    expect((await this.#send(this.#toolCall(++ids, tool))).status).toBe(200);
  }

  /** Begins to do something, after it has ended what it did. */
  async enter(doing: Doing): Promise<void> {
    await this.#leave();
    this.doing = doing;
    if (doing === "input") await this.call("input");
    if (doing === "calling") await this.hold("hold");
    if (doing === "queued") this.#begin("queued");
    if (doing !== "asked") return;
    const call = this.#begin("ask");
    await until(() => call.received.includes("question"), `${this.name} is asked`);
  }

  /** Calls a tool: the server has it when this resolves. */
  async hold(tool: StateTool): Promise<void> {
    const held = this.server.held(this.name);
    this.#begin(tool);
    await until(() => this.server.held(this.name) > held, `the server has the call of ${this.name}`);
  }

  /** Waits until all that it has called has been answered. */
  async finish(): Promise<void> {
    const calls = this.#calls;
    this.#calls = [];
    await until(() => calls.every(({ ended }) => ended), `${this.name} has its answers`);
    for (const { received } of calls) expect(received).toContain('"result"');
    this.doing = "idle";
  }

  async #leave(): Promise<void> {
    if (this.doing === "input") await this.call("echo");
    if (this.doing === "calling") this.server.release(this.name);
    if (this.doing === "asked") {
      const [question] = /question-\d+/.exec(this.#calls[0].received)!;
      expect((await this.#send(mcp.result(question))).status).toBe(202);
    }
    if (this.doing === "queued") await this.#giveUp();
    await this.finish();
  }

  /** Cancels the calls that wait, or closes their connections alone. */
  async #giveUp(): Promise<void> {
    for (const { request, id } of this.#calls) {
      if (!this.isModern) await this.#send(mcp.notification("notifications/cancelled", { requestId: id }));
      request.destroy();
    }
    this.#calls = [];
  }

  #begin(tool: StateTool): Call {
    const id = ++ids;
    const request = begin(this.url, { headers: this.#headers, body: [this.#toolCall(id, tool)] });
    const call = { id, request, received: "", ended: false };
    request.on("error", () => {});
    request.on("response", (response) => {
      response.on("data", (chunk: Buffer) => (call.received += String(chunk)));
      response.on("end", () => (call.ended = true));
      response.on("error", () => {});
    });
    this.#calls.push(call);
    return call;
  }

  #send(body: string): Promise<RawAnswer> {
    return exchange(this.url, { headers: this.#headers, body: [body] });
  }

  get #headers(): Record<string, string> {
    const headers = this.isModern ? mcp.MODERN : mcp.LEGACY;
    return { ...headers, ...this.#session, [AGENT]: this.name };
  }

  #toolCall(id: number, name: StateTool): string {
    if (!this.isModern) return mcp.toolCall(id, name);
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: this.name, version: "1" },
    };
    return mcp.request(id, "tools/call", { name, arguments: {}, _meta });
  }
}

const keep = endsAfterAll();
let server: StateServer;

beforeAll(async () => {
  server = keep(await StateServer.start());
});

describe.each([1, 4])("on %i workers", { timeout: 300_000 }, (workers) => {
  let envoy: Envoy;
  let agents: Agent[];
  /** Has the only permit. */
  let first: Agent;

  beforeAll(async () => {
    const pluginConfig = JSON.stringify({ match: { paths: [server.path] }, limits: { rules: [RULE] } });
    envoy = keep(await startEnvoy({ upstream: server, concurrency: workers, pluginConfig }));
    const url = `${envoy.proxyUrl}${server.path}`;
    const agent = (name: string, isModern: boolean) => new Agent(url, server, `${name}-${workers}`, isModern);
    agents = Array.from({ length: AGENTS }, (_, i) => agent(`agent-${i}`, i < WINDOWS));
    first = agent("first", false);
    for (const each of [...agents, first]) await each.start();
    await first.hold("queued");
    first.doing = "calling";
  });

  /** What the gauge has to say, of all agents. */
  function truth(): Record<string, number> {
    const counts: Record<string, number> = { idle: 0, calling: 0, waiting_for_client: 0, waiting_for_limit: 0 };
    for (const { doing } of [...agents, first]) counts[STATE_OF[doing]]++;
    return counts;
  }

  async function states(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { name, labels, value } of await readMetrics(envoy)) {
      const state = labels.mcp_session_state;
      if (name === "mcp_sessions_active") counts[state] = (counts[state] ?? 0) + value;
    }
    return counts;
  }

  /** Calls of agents that go on with what they do: of those that are idle, none, since these would be seen to call. */
  async function callMeanwhile(): Promise<() => Promise<void>> {
    let isOver = false;
    const busy = agents.filter(({ doing }) => doing === "calling" || doing === "asked" || doing === "queued");
    const work = async (agent: Agent) => {
      while (!isOver) await agent.call("echo");
    };
    const all = Promise.all(busy.slice(0, 4).map(work));
    return async () => {
      isOver = true;
      await all;
    };
  }

  const scripts = fc.sample(fc.array(fc.nat({ max: 3 }), { minLength: AGENTS, maxLength: AGENTS }), {
    seed: FRESH_SEED,
    numRuns: PHASES,
  });

  it.each(scripts.map((script, phase) => [phase, script] as const))(
    "all states are those of the script, and stay so under load (phase %i: %j)",
    async (phase, script) => {
      // Each state is that of some agents of either kind, in any case.
      const choice = (i: number) => (i % WINDOWS < 4 ? (i + phase) % 4 : script[i]);
      await Promise.all(agents.map((agent, i) => agent.enter(agent.choices[choice(i)])));
      const stop = await callMeanwhile();
      await expect.poll(states, POLL).toEqual(truth());
      expect(Object.values(truth())).not.toContain(0);
      // Until after another sweep, but not for as long as a request may wait.
      for (let i = 0; i < 12; i++) {
        expect(await states()).toEqual(truth());
        await sleep(500);
      }
      await stop();
    },
  );

  it("calls that are admitted one after the other are seen to call", async () => {
    for (const agent of agents) await agent.enter("queued");
    await expect.poll(states, POLL).toEqual({ ...truth(), idle: 0, waiting_for_client: 0 });
    server.release(first.name);
    await first.finish();
    let admitted: Agent | undefined;
    await until(() => (admitted = agents.find(({ name }) => server.held(name) > 0)) !== undefined, "one is admitted");
    admitted!.doing = "calling";
    await expect.poll(states, POLL).toEqual(truth());
    expect(truth()).toEqual({ idle: 1, calling: 1, waiting_for_client: 0, waiting_for_limit: AGENTS - 1 });
  });

  it("all are idle in the end", async () => {
    server.open(agents.map(({ name }) => name));
    for (const agent of agents) await agent.finish();
    await expect.poll(states, POLL).toEqual({ ...truth(), idle: AGENTS + 1 });
    expect(server.held(first.name)).toBe(0);
  });
});
