/** Values in shared data that no worker of this module has written: another module, or a fault, damaged them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Clock,
  exchange,
  MetricStore,
  type Plugin,
  SharedDataStore,
  SharedQueues,
} from "../../../scripts/host/index.ts";
import { effort } from "../../effort.ts";
import { FIXED_SEEDS, FRESH_SEED } from "../../seeds.ts";
import {
  JSON_ANSWER,
  SSE_ANSWER,
  batch,
  error,
  event,
  notification,
  post,
  request,
  result,
  toolCall,
  startVm,
} from "./filter.ts";
import { openSession, send } from "./http-sse.ts";
import { call, runTurns } from "./queues.ts";
import { inSession, initializeResult } from "./open-stream.ts";

const RUNS = effort(12, 200);
const INITIALIZE = request("initialize", { protocolVersion: "2025-11-25", clientInfo: { name: "agent" } }, 0);
const listed = (description: string) => result({ tools: [{ name: "echo", description }] });

/** Shared data that damages some of the values that are read. */
class DamagingData extends SharedDataStore {
  /** Of a hundred values that are read, as many are damaged. */
  percent = 0;
  /** A fraction from 0 to 1. */
  random: () => number = () => 1;

  override get(key: string): ReturnType<SharedDataStore["get"]> {
    const found = super.get(key);
    if (found === undefined || 100 * this.random() >= this.percent) return found;
    const bytes = Buffer.from(found.bytes);
    const below = (limit: number) => Math.floor(limit * this.random());
    const length = this.random() < 0.3 ? below(bytes.length + 1) : bytes.length;
    for (let changes = below(4); changes > 0 && bytes.length >= 4; changes--) {
      const number = [0, 1, 0xff, 0x80000000, 0xffffffff, below(2 ** 32)][below(6)];
      bytes.writeUInt32LE(number, below(bytes.length - 3));
    }
    return { bytes: bytes.subarray(0, length), cas: found.cas };
  }
}

/** Traffic that uses every kind of value. */
function traffic(workers: readonly Plugin[], round: number): void {
  const on = (i: number) => workers[i % workers.length];
  const headers = { headers: inSession(`s${round % 3}`) };
  const sessionHeaders = { ...JSON_ANSWER, "mcp-session-id": `s${round % 3}` };
  post(on(0), INITIALIZE, { headers: sessionHeaders, body: initializeResult("2025-11-25") });
  post(on(1), request("tools/list"), listed(`${round}`), headers);
  post(on(0), toolCall("echo", round), result({}, round), headers);
  post(on(1), toolCall("ghost", round), error(-32602, round), headers);
  post(on(2), toolCall("slow", 7), { headers: SSE_ANSWER, body: "id: 1\ndata:\n\n" }, headers);
  post(on(0), notification("notifications/cancelled", { requestId: 7 }), { status: 202 }, headers);
  const asked = event(request("roots/list", {}, "ask")) + event(result({}, round));
  post(on(1), toolCall("echo", round), { headers: SSE_ANSWER, body: asked }, headers);
  post(on(2), result({ roots: [] }, "ask"), { status: 202 }, headers);
  post(on(0), batch(toolCall("echo", 1), toolCall("echo", 2)), batch(result({}, 1)), headers);
  const task = { taskId: "t", status: "working", ttl: 60000 };
  post(on(0), toolCall("echo"), result({ task }), headers);
  post(on(1), request("tasks/get", { taskId: "t" }), result({ ...task, status: "completed" }), headers);
  const stream = openSession(on(0), on(1));
  send(on(2), toolCall("echo", 3));
  stream.send(result({}, 3));
  stream.stream.reset("client");
  exchange(on(1), { request: { method: "DELETE", headers: inSession("s2") }, response: { status: 200 } });
  // With limits, some of these wait.
  const held = Array.from({ length: 9 }, (_, i) => call(on(i), 100 + i, { headers: inSession("held") }));
  runTurns(on(0));
  const [first] = held.splice(0, 1);
  if (first.reply === undefined) first.reset("client");
  runTurns(on(0));
  for (let second = 0; second < 7; second++) {
    workers[0].vm.clock.advance(1000);
    for (const worker of workers) worker.tick();
    runTurns(on(0));
  }
  for (const open of held) if (open.reply === undefined) open.reset("client");
}

/** Limits of all kinds, which some of the traffic exceeds. */
const ALL_KINDS = {
  requests: { amount: 30, per: "1m" },
  tokens: { amount: 100, per: "1m" },
  concurrency: 4,
  queue: { maxWait: "2s", maxLength: 3 },
  repeats: { amount: 5, per: "1m" },
};
const LIMITS = [
  { name: "all", key: ["address", "tool"], ...ALL_KINDS },
  { name: "sessions", key: ["session"], ...ALL_KINDS },
  {
    name: "wide",
    mode: "shadow",
    key: ["client", "server", "method"],
    requests: { amount: 5, per: "1m" },
    concurrency: 1,
  },
];

function hasValue(sharedData: SharedDataStore, kind: string): boolean {
  return sharedData.keys().some((key) => key.includes(`/${kind}/`));
}

describe("damaged values", () => {
  const access = { rules: [{ name: "all", action: "ALLOW", when: [{ key: "mcp.clientName", values: ["agent"] }] }] };
  const pins = [{ tools: { echo: "0".repeat(64), slow: "1".repeat(64) } }];
  const configurations = [
    {},
    { match: { paths: ["/mcp", "/messages", "/sse"] }, access: { ...access, mode: "shadow", pins } },
    { match: { paths: ["/mcp", "/messages", "/sse"] }, limits: { maxKeys: 64, rules: LIMITS } },
  ];

  test.each([...FIXED_SEEDS, FRESH_SEED])("trap no worker (seed %i)", (seed) => {
    const runs = fc.sample(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), {
      seed,
      numRuns: RUNS,
    });
    for (const [run, numbers] of runs.entries()) {
      const sharedData = new DamagingData();
      sharedData.random = () => numbers.next().value as number;
      const options = {
        properties: { "xds.cluster_name": "tools" },
        configuration: configurations[run % configurations.length],
      };
      const shared = { sharedData, clock: new Clock(), metrics: new MetricStore(), queues: new SharedQueues() };
      const workers = Array.from({ length: 3 }, () => startVm(shared).plugin(options));
      traffic(workers, 0);
      const kinds = ["allowances", "repeats", "permits", "waiting"].filter((kind) => hasValue(sharedData, kind));
      expect(kinds).toHaveLength("limits" in options.configuration ? 4 : 0);
      for (let round = 1; round < 12; round++) {
        sharedData.percent = [1, 10, 60][round % 3];
        traffic(workers, round);
      }
      // From then on all is well.
      sharedData.percent = 0;
      for (let round = 0; round < 3; round++) traffic(workers, round);
      for (const { vm } of workers) expect(vm.failure).toBeUndefined();
    }
  });
});
