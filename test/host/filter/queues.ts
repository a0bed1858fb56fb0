/** Requests that wait in the queues of limits. */
import { exchange, type HttpStream, type Plugin, type PropertyValue } from "../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, result, toolCall } from "./filter.ts";

/** Sends a call without a response yet. */
export function call(
  plugin: Plugin,
  id: number,
  { headers = MCP_HEADERS, tool = "slow", properties = {} }: Calling = {},
): HttpStream {
  const spec = { request: { headers, body: toolCall(tool, id) }, response: null, ended: "open" } as const;
  return exchange(plugin, spec, { properties }).stream;
}

export interface Calling {
  readonly headers?: Record<string, string>;
  readonly tool?: string;
  readonly properties?: Record<string, PropertyValue>;
}

/** Whether the server has the whole request. */
export const hasPassed = (stream: HttpStream): boolean => stream.passedRequest !== "";

/** The request waits: it has neither passed nor been answered. */
export const isWaiting = (stream: HttpStream): boolean => stream.reply === undefined && !hasPassed(stream);

export function answer(stream: HttpStream, id: number): void {
  stream.responseHeaders([[":status", "200"], ...Object.entries(JSON_ANSWER)]);
  stream.responseBody(Buffer.from(result({ content: [] }, id)), true);
  stream.end();
}

/** Runs the following iterations of the event loop. Returns their number. */
export function runTurns(plugin: Plugin): number {
  let turns = 0;
  while (turns < 2000 && plugin.vm.queues.turn() > 0) turns++;
  if (turns === 2000) throw new Error("the turns of the event loop do not end");
  return turns;
}

/** Advances the time by milliseconds, with the ticks and iterations of the event loop in that time. */
export function passMilliseconds(workers: readonly Plugin[], milliseconds: number, step = 5): void {
  const { clock } = workers[0].vm;
  for (let passed = 0; passed < milliseconds; passed += step) {
    clock.advance(step);
    for (const worker of workers) {
      const due = (dueAt.get(worker) ?? 0) + step;
      const isDue = due >= worker.tickPeriod;
      dueAt.set(worker, isDue ? 0 : due);
      if (isDue) worker.tick();
    }
    runTurns(workers[0]);
  }
}

/** Milliseconds since the last tick of each worker. */
const dueAt = new WeakMap<Plugin, number>();
