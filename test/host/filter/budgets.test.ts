/** How much one tick does at most, however much there is to do: a worker's traffic waits meanwhile. */
import { expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { countsBy, JSON_ANSWER, post, request, startFilter } from "./filter.ts";
import { initializeResult } from "./open-stream.ts";

const SESSIONS = 10_000;
/** What a tick and its sweep ask of the host besides: the store's buckets, the slots of workers. */
const FIXED_CALLS = 2000;
const INITIALIZE = request("initialize", { protocolVersion: "2025-11-25", capabilities: {} }, 0);

function beginSessions(plugin: Plugin): void {
  for (let i = 0; i < SESSIONS; i++) {
    const headers = { ...JSON_ANSWER, "mcp-session-id": `session-${i}` };
    post(plugin, INITIALIZE, { headers, body: initializeResult("2025-11-25") });
  }
}

/** The calls of the host that the next tick makes. */
function callsOfTick(plugin: Plugin, seconds: number): number {
  plugin.vm.clock.advance(seconds * 1000);
  plugin.vm.calls.reset();
  plugin.tick();
  return Object.values(plugin.vm.calls.snapshot()).reduce((sum, count) => sum + count, 0);
}

const ended = (plugin: Plugin) => countsBy(plugin, "mcp_sessions_ended_total", "mcp_session_end");
const active = (plugin: Plugin) => countsBy(plugin, "mcp_sessions_active", "mcp_session_kind");

test(`${SESSIONS} sessions that begin and end at the same time are reported in parts`, () => {
  const plugin = startFilter();
  beginSessions(plugin);
  // Each flush reads and writes.
  for (let second = 0; second < 10; second++) {
    expect(callsOfTick(plugin, second === 0 ? 5 : 1)).toBeLessThanOrEqual(2 * 2048 + FIXED_CALLS);
  }
  expect(active(plugin)).toEqual({ streamable: SESSIONS });

  // One step of the clock by all that time would be no passing of time.
  for (let minute = 0; minute < 29; minute++) callsOfTick(plugin, 60);
  expect(ended(plugin)).toEqual({});
  // Each end is a counter and three histograms.
  expect(callsOfTick(plugin, 60)).toBeLessThanOrEqual(4 * 4096 + 1024 + FIXED_CALLS);
  expect(ended(plugin)).toEqual({ idle: 4096 });
  callsOfTick(plugin, 1);
  callsOfTick(plugin, 1);
  expect(ended(plugin)).toEqual({ idle: SESSIONS });
  expect(active(plugin)).toEqual({ streamable: 0 });
});
