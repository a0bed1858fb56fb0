/** Measures what the build for plain hosts costs in each stage of a stream, on the imitation of Google's host. */
import { google, type HttpStream, loadModule, Vm } from "../../host/index.ts";
import type { Workload } from "../workloads.ts";

const MODULE = "build/mcp-lite.wasm";
const MICROSECONDS = 1000;
/** How many streams are open at once, as many as Google's documentation names. */
const STREAMS = 1000;

/** The callbacks of a stream that Google bills separately, and the end of the stream. */
export const STAGES = ["request headers", "request body", "response headers", "response body", "end"] as const;
export type Stage = (typeof STAGES)[number];

/** The mean CPU time of each stage in microseconds, including that of the imitation. */
export type StageCosts = Record<Stage, number>;

/** Sends streams of a workload through the build, all through one stage before the next one. Each body arrives at once. */
export function measureStages({ method, headers, body, answer }: Workload, configuration: object): StageCosts {
  const vm = new Vm(loadModule(MODULE), { host: google() });
  const plugin = vm.plugin({ configuration });
  const requestHead = [
    [":authority", "mcp.example"],
    [":path", "/mcp"],
    [":method", method],
    ...Object.entries(headers),
  ] as const;
  const response = Buffer.from(answer.parts.join(""));
  const steps: Record<Stage, (stream: HttpStream) => void> = {
    "request headers": (stream) => stream.requestHeaders(requestHead),
    "request body": (stream) => stream.requestBody(Buffer.from(body), true),
    "response headers": (stream) => {
      stream.responseHeaders([
        [":status", "200"],
        ["content-type", answer.contentType],
      ]);
    },
    "response body": (stream) => stream.responseBody(response, true),
    end: (stream) => stream.end(),
  };
  const pass = () => {
    const streams = Array.from({ length: STREAMS }, () => plugin.stream());
    // A stream that the policy has answered has ended.
    const advance = (stage: Stage) => (stream: HttpStream) => stream.reply === undefined && steps[stage](stream);
    return STAGES.map((stage) => cpuOf(() => streams.forEach(advance(stage))) / STREAMS);
  };
  // V8 compiles what runs often, so the first round shows something else.
  pass();
  const costs = pass();
  if (vm.failure !== undefined) throw vm.failure;
  vm.logs.length = 0;
  return Object.fromEntries(STAGES.map((stage, index) => [stage, costs[index]])) as StageCosts;
}

/** The CPU time of this process during a call, in microseconds. */
function cpuOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The limit of Google's documentation for one stage, in microseconds. */
export const LIMIT = 1 * MICROSECONDS;
