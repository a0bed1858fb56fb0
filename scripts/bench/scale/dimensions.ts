/** The dimensions in which the load grows: sessions, idle streams, worker threads. */
import type { BenchEnvoy } from "../bootstrap.ts";
import { runLoad } from "../generator.ts";
import type { Variant } from "../variants.ts";
import { type Workload, WORKLOADS } from "../workloads.ts";
import { OpenStreams, requestBytes, sendInTurn } from "./connections.ts";

/** The parameters of a step. */
export interface Setting {
  envoy: BenchEnvoy;
  variant: Variant;
  requests: number;
  signal: AbortSignal;
}

/** A step that has been reached. */
export interface Reached {
  /** Sends the requests whose cost is measured. */
  load: () => Promise<void>;
  end: () => void;
}

export interface Dimension {
  id: string;
  title: string;
  steps: readonly number[];
  /** Number of worker threads at a step; 1 if absent. */
  workersAt?: (step: number) => number;
  /** Creates `step` sessions, streams or workers. */
  reach: (setting: Setting, step: number) => Promise<Reached>;
}

const CONNECTIONS = 16;
const TIMEOUT_SECONDS = 60;

/** The call whose cost is measured. */
export const CALL = WORKLOADS.find(({ id }) => id === "a")!;

/** A stream on which the server sends one message and then nothing. */
export const IDLE: Workload = {
  id: "idle",
  title: "GET stream that stays open",
  method: "GET",
  headers: { accept: "text/event-stream", "mcp-protocol-version": "2025-11-25" },
  body: "",
  answer: { contentType: "text/event-stream", parts: [": ready\n\n"], staysOpen: true },
  isMcp: true,
};

export const DIMENSIONS: readonly Dimension[] = [
  {
    id: "sessions",
    title: "sessions, each called in turn",
    steps: [1, 100, 1000, 10_000],
    reach: async ({ envoy, variant, requests, signal }, step) => {
      const url = envoy.urlOf(variant);
      const ofSession = (_: unknown, index: number) =>
        requestBytes(CALL, { "mcp-session-id": `0c5f8b3e-session-${index}` });
      const calls = Array.from({ length: step }, ofSession);
      const send = (count: number) => {
        const bounded = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_SECONDS * 1000)]);
        return sendInTurn(url, calls, { count, connections: CONNECTIONS, signal: bounded });
      };
      await send(step);
      return { load: () => send(requests), end: () => {} };
    },
  },
  {
    id: "streams",
    title: "idle event streams, beside calls",
    steps: [1, 100, 1000, 5000],
    reach: async ({ envoy, variant, requests, signal }, step) => {
      const url = envoy.urlOf(variant);
      const streams = new OpenStreams();
      const end = () => streams.close();
      try {
        await streams.open(url, requestBytes(IDLE, { "mcp-session-id": CALL.headers["mcp-session-id"] }), step);
      } catch (error) {
        end();
        throw error;
      }
      return { load: () => callAll(url, requests, CONNECTIONS, signal), end };
    },
  },
  {
    id: "workers",
    title: "worker threads",
    steps: [1, 2, 4, 8],
    workersAt: (step) => step,
    reach: async ({ envoy, variant, requests, signal }, step) => {
      // Enough connections for each worker to get some.
      const connections = CONNECTIONS * step;
      return { load: () => callAll(envoy.urlOf(variant), requests, connections, signal), end: () => {} };
    },
  },
];

async function callAll(url: string, requests: number, connections: number, signal: AbortSignal): Promise<void> {
  await runLoad({ url, workload: CALL, requests, connections, timeoutSeconds: TIMEOUT_SECONDS, signal });
}
