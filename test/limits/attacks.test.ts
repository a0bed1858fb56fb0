/** Attempts to get more than an allowance, to use that of others, or to learn about them. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { BODIES } from "../access/attack-list.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { type Recorder, startRecorder } from "../access/recorder.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { Load } from "../envoy/load.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { CALLER, CallServer } from "./call-server.ts";
import { limitedListener, PEER, workload } from "./limited.ts";

const BURST = 3;
/** So long that nothing refills during the test. */
const requests = { amount: BURST, per: "12h" };
const HOUR_MS = 3_600_000;
const MAX_KEYS = 64;
/** One caller has at most a quarter of the keys. */
const MAX_KEYS_OF_CALLER = MAX_KEYS / 4;

const sole = (key: unknown[]) => [{ name: "calls", key, requests }];
const LISTENERS: Record<string, Guarded> = {
  "all, held": limitedListener("all, held", sole([]), "held"),
  "all, default": limitedListener("all, default", sole([]), "default"),
  principal: limitedListener("principal", sole(["principal"]), "held"),
  tool: limitedListener("tool", sole(["principal", "tool"]), "held"),
  claim: limitedListener("claim", sole([{ claim: ["team"] }]), "held"),
  session: limitedListener(
    "session",
    [...sole(["session"]), { name: "callers", key: ["principal"], requests: { amount: 100_000, per: "12h" } }],
    "held",
    { limits: { maxKeys: MAX_KEYS } },
  ),
  // The proxy sees the clients themselves: it trusts no header that says otherwise.
  address: { ...limitedListener("address", sole(["address"]), "held"), manager: { use_remote_address: true } },
  reveals: limitedListener("reveals", sole(["principal"]), "held"),
  "reveals all": limitedListener("reveals all", sole([]), "held"),
};

const keep = endsAfterAll();
let server: CallServer;
let recorder: Recorder;
let envoy: GuardedEnvoy;

beforeAll(async () => {
  server = keep(await CallServer.start());
  recorder = keep(await startRecorder());
  for (const listener of ["all, held", "all, default"]) LISTENERS[listener].upstreamPort = recorder.port;
  envoy = keep(await startGuarded(LISTENERS, { upstream: server, concurrency: 4 }));
});

interface Answer {
  result?: unknown;
  error?: { code: number; data?: { rule?: string; reason?: string; remaining?: number; retryAfterMs?: number } };
}

let callers = 0;
/** A caller that has not called before. */
const newCaller = () => `caller-${++callers}`;

/** Sends a request as this caller, or anonymously. */
async function ask(listener: string, caller: string | undefined, body: string, more: object = {}): Promise<Answer> {
  const name = caller ?? "nobody";
  const peer: Record<string, string> = caller === undefined ? {} : { [PEER]: workload(caller) };
  const headers = { ...mcp.LEGACY, [CALLER]: name, ...peer, ...more };
  const answer = await exchange(`${envoy.urlOf(listener)}/mcp`, { headers, body: [body] });
  return JSON.parse(String(answer.body)) as Answer;
}

const isLimited = ({ error }: Answer) => error?.code === 429;

/** The number of requests in a row that are not limited. */
async function admitted(count: number, send: (index: number) => Promise<Answer>): Promise<number> {
  let passed = 0;
  for (let i = 0; i < count; i++) if (!isLimited(await send(i))) passed++;
  return passed;
}

describe.each(["all, held", "all, default"])("with the allowance used up, %s:", (listener) => {
  beforeAll(async () => {
    expect(await admitted(9, () => ask(listener, undefined, mcp.toolCall(1, "echo")))).toBe(BURST);
  });

  // Notifications are never limited.
  const bodies = BODIES.filter(([what]) => what !== "a batch with it as a notification");

  it.each(bodies)("%s", async (what, verdict, body) => {
    const mark = `mark-${++callers}-end`;
    const headers = { ...mcp.LEGACY, "x-mark": mark };
    const answer = await exchange(`${envoy.urlOf(listener)}/mcp`, { headers, body: [body(mark)] });
    if (verdict === "rewritten") {
      // `ping` passes. The call goes on with a method that no server knows.
      const received = recorder.requests.at(-1).body;
      expect(received).toHaveLength(String(body(mark)).length);
      expect([received.includes('"denied____"'), received.includes('"tools/call"')]).toEqual([true, false]);
      return;
    }
    const parsed = JSON.parse(String(answer.body)) as Answer | Answer[];
    const { data } = [parsed].flat()[0].error!;
    const decided = data!.rule === "calls" ? "denied" : `refused ${data!.reason}`;
    // Limits depend on no argument.
    expect(decided).toBe(what === "an argument twice" ? "denied" : verdict);
    expect(recorder.seen(mark)).not.toBe("body");
    if (listener === "all, held") expect(recorder.seen(mark)).toBe("nothing");
  });
});

describe("no other allowance is gained", () => {
  const fully = 4 * BURST;

  it.each<[what: string, send: (caller: string, index: number) => Promise<Answer>]>([
    ["by invented tools", (caller, index) => ask("tool", caller, mcp.toolCall(1, `invented_${index}`))],
    [
      "by other software",
      (caller, index) => {
        const clientInfo = { name: `client-${index}`, version: "1" };
        const _meta = { "io.modelcontextprotocol/clientInfo": clientInfo };
        return ask("principal", caller, mcp.request(1, "tools/call", { name: "echo", arguments: {}, _meta }));
      },
    ],
    [
      "by other sessions",
      (caller, index) => ask("principal", caller, mcp.toolCall(1, "echo"), { "mcp-session-id": `invented-${index}` }),
    ],
    [
      "by a header that names another tool",
      (caller, index) => {
        const mirrored = { "mcp-method": "tools/call", "mcp-name": index % 2 ? "other" : "echo" };
        return ask("principal", caller, mcp.toolCall(1, "echo"), { ...mcp.MODERN, ...mirrored });
      },
    ],
    [
      "by a header that names another method",
      (caller) => {
        const mirrored = { "mcp-method": "ping" };
        return ask("principal", caller, mcp.toolCall(1, "echo"), { ...mcp.MODERN, ...mirrored });
      },
    ],
    ["by other ids", (caller, index) => ask("principal", caller, mcp.toolCall(`id-${index}`, "echo"))],
    [
      "by other addresses",
      (caller, index) => {
        const forged = {
          "x-forwarded-for": `10.0.0.${index}`,
          "x-real-ip": `10.0.0.${index}`,
          forwarded: "for=10.1.1.1",
        };
        return ask("address", caller, mcp.toolCall(1, "echo"), forged);
      },
    ],
  ])("%s", async (_what, send) => {
    const caller = newCaller();
    expect(await admitted(fully, (index) => send(caller, index))).toBe(BURST);
    expect(server.of(caller).total).toBe(BURST);
  });

  it("by a header that names the tool of another allowance", async () => {
    const caller = newCaller();
    await ask("tool", newCaller(), mcp.request(1, "tools/list"));
    const call = (tool: string, named: string) => {
      const mirrored = { ...mcp.MODERN, "mcp-method": "tools/call", "mcp-name": named };
      return ask("tool", caller, mcp.toolCall(1, tool), mirrored);
    };
    expect(await admitted(fully, () => call("echo", "other"))).toBe(BURST);
    // The allowance of the other tool is unused.
    expect(await admitted(fully, () => call("other", "other"))).toBe(BURST);
  });

  it("by batches", async () => {
    const caller = newCaller();
    const batch = (count: number) =>
      `[${Array.from({ length: count }, (_, id) => mcp.toolCall(id, "echo")).join(",")}]`;
    const legacy = { "mcp-protocol-version": "2025-03-26" };
    for (const count of [4, 2, 2, 1, 1, 2]) await ask("principal", caller, batch(count), legacy);
    expect(server.of(caller).total).toBe(BURST);
  });
});

describe("a rule that cannot read its key limits all such requests together", () => {
  it.each<[what: string, send: (index: number) => Promise<Answer>]>([
    ["no principal", () => ask("principal", undefined, mcp.toolCall(1, "echo"))],
    ["no session", () => ask("session", "sole", mcp.toolCall(1, "echo"))],
    ["no claim", () => ask("claim", newCaller(), mcp.toolCall(1, "echo"))],
    ["an unknown tool of nobody", (index) => ask("tool", undefined, mcp.toolCall(1, `invented_${index}`))],
  ])("%s", async (_what, send) => {
    expect(await admitted(4 * BURST, send)).toBe(BURST);
  });
});

it("whoever invents keys neither evicts others nor gains theirs, in bounded memory", async () => {
  const victim = newCaller();
  const session = { "mcp-session-id": "victim" };
  expect(await admitted(4 * BURST, () => ask("session", victim, mcp.toolCall(1, "echo"), session))).toBe(BURST);

  const invent = async (caller: string, from: number, count: number) => {
    const load = new Load(envoy.urlOf("session"));
    await load.run(count, (index) => ({
      path: "/mcp",
      headers: {
        ...mcp.LEGACY,
        [CALLER]: caller,
        [PEER]: workload(caller),
        "mcp-session-id": `${caller}-${from + index}`,
      },
      body: mcp.toolCall(index, "echo"),
    }));
    await load.close();
  };
  const mallory = newCaller();
  await invent(mallory, 0, 2000);
  // One for each key, and those of the allowance that its further keys share.
  expect(server.of(mallory).total).toBeLessThanOrEqual(MAX_KEYS_OF_CALLER + BURST);
  const before = residentMebibytes();
  await invent(mallory, 2000, 6000);
  expect(server.of(mallory).total).toBeLessThanOrEqual(MAX_KEYS_OF_CALLER + BURST);
  expect(residentMebibytes() - before).toBeLessThan(16);

  expect(await admitted(4, () => ask("session", victim, mcp.toolCall(1, "echo"), session))).toBe(0);
  const fresh = newCaller();
  const own = { "mcp-session-id": "fresh" };
  expect(await admitted(4 * BURST, () => ask("session", fresh, mcp.toolCall(1, "echo"), own))).toBe(BURST);
});

describe("a rejection", () => {
  const rejection = async (listener: string, caller?: string) => {
    await admitted(BURST, () => ask(listener, caller, mcp.toolCall(1, "echo")));
    return (await ask(listener, caller, mcp.toolCall(1, "echo"))).error!.data!;
  };

  it("has exact numbers of the caller's own allowance", async () => {
    const { remaining, retryAfterMs } = await rejection("reveals", newCaller());
    expect(remaining).toBe(0);
    const periodMs = 4 * HOUR_MS;
    expect(retryAfterMs).toBeLessThan(periodMs);
    expect(retryAfterMs! % 1000).not.toBe(0);
  });

  it.each([
    ["of all", "reveals all", newCaller()],
    ["of all who have no principal", "reveals", undefined],
  ])("reveals nothing about an allowance %s", async (_whose, listener, caller) => {
    const { remaining, retryAfterMs } = await rejection(listener, caller);
    expect(remaining).toBeUndefined();
    // A multiple of a tenth of the period.
    expect(retryAfterMs! % (1.2 * HOUR_MS)).toBe(0);
  });
});

/** Envoy's memory on Linux; 0 on other systems. */
function residentMebibytes(): number {
  try {
    const [, kibibytes] = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${envoy.pid}/status`, "utf8"))!;
    return Number(kibibytes) / 1024;
  } catch {
    return 0;
  }
}
