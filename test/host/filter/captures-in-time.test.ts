/** What captures count must not depend on how their bodies are cut, nor on the workers that their streams pass. */
import { describe, expect, test } from "vitest";
import { captureNames } from "../../fixtures/captures.ts";
import type { CapturedEvent } from "../../fixtures/captures.ts";
import { effort } from "../../effort.ts";
import { FRESH_SEED, replayCommand } from "../../seeds.ts";
import type { Plugin } from "../../../scripts/host/index.ts";
import { countsBy, startWorkers } from "./filter.ts";
import { type Cut, eventsOf, replay, whole } from "./replay.ts";

const MINUTE = 60_000;

const inPieces =
  (size: number): Cut =>
  (body) =>
    Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size));

/** Pieces of up to 40 bytes, or up to 2000, by chance: the same for the same seed. */
function atRandom(seed: number): Cut {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return (body) => {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < body.length;) {
      const size = 1 + below(below(4) === 0 ? 2000 : 40);
      pieces.push(body.subarray(at, at + size));
      at += size;
    }
    return pieces;
  };
}

/** Cuts the body that this byte of all that passes is in, before it; all else is whole. */
function onceAt(position: number): Cut {
  let passed = 0;
  return (body) => {
    const at = position - passed;
    passed += body.length;
    return at > 0 && at < body.length ? [body.subarray(0, at), body.subarray(at)] : [body];
  };
}

/**
 * Counters, gauges, and what histograms hold after a capture, which passes whole before it is cut: so lists are compared
 * with those before, and calls are repeated.
 */
function numbers(events: readonly CapturedEvent[], cut: Cut, count = 1): Record<string, unknown> {
  const workers = startWorkers(count);
  replay(workers, events, whole);
  replay(workers, events, cut);
  const { metrics } = workers[0].vm;
  for (const worker of workers) expect(worker.vm.failure).toBeUndefined();
  const held = Object.entries(metrics.histograms()).map(([name, { count, sum }]) => [name, [count, sum]]);
  return { ...metrics.counters(), ...metrics.gauges(), ...Object.fromEntries(held) };
}

const sizeOf = (events: readonly CapturedEvent[]) =>
  events.reduce((size, { request, chunk }) => size + (request?.body.length ?? 0) + (chunk?.length ?? 0), 0);

describe.each(captureNames())("capture %s, in the order of time", (name) => {
  const events = eventsOf(name.slice(0, 2));
  const expected = numbers(events, whole);

  test("on four workers", () => {
    expect(Object.keys(expected).some((name) => name.startsWith("mcp_operations_total"))).toBe(true);
    expect(numbers(events, whole, 4)).toEqual(expected);
  });

  test.each([1, 2, 3, 64])("in pieces of %i bytes, on one worker and on four", (size) => {
    expect(numbers(events, inPieces(size))).toEqual(expected);
    expect(numbers(events, inPieces(size), 4)).toEqual(expected);
  });

  test("in pieces of any sizes, on any number of workers", () => {
    const first = (start: number, count: number) => Array.from({ length: count }, (_, index) => start + index);
    for (const seed of [...first(1, effort(6, 12)), ...first(FRESH_SEED, effort(6, 488))]) {
      const hint = `cut by seed ${seed} (${replayCommand()})`;
      expect(numbers(events, atRandom(seed), 1 + (seed % 5)), hint).toEqual(expected);
    }
  });

  // At each position of the small one, and at regular intervals in the others.
  test(
    "cut once, anywhere",
    () => {
      const size = sizeOf(events);
      const step = size < 3000 ? 1 : Math.ceil(size / effort(100, 100_000));
      for (let at = 1; at < size; at += step) {
        expect(numbers(events, onceAt(at)), `cut at ${at} of ${size}`).toEqual(expected);
      }
    },
    effort(3 * MINUTE, 20 * MINUTE),
  );
});

describe("the capture of HTTP+SSE", () => {
  const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");

  test.each([1, 4])("on %i workers, holds what its session did", (count) => {
    const workers = startWorkers(count);
    replay(workers, eventsOf("04"));
    expect(outcomes(workers[0])).toMatchInlineSnapshot(`
      {
        "_OTHER rpc_error": 1,
        "completion/complete ok": 1,
        "elicitation/create ok": 1,
        "initialize ok": 1,
        "logging/setLevel ok": 1,
        "ping disconnected": 1,
        "ping ok": 1,
        "prompts/get ok": 1,
        "prompts/get rpc_error": 1,
        "prompts/list ok": 1,
        "resources/list ok": 1,
        "resources/read ok": 1,
        "resources/read rpc_error": 1,
        "resources/subscribe ok": 1,
        "resources/templates/list ok": 1,
        "resources/unsubscribe ok": 1,
        "roots/list ok": 1,
        "sampling/createMessage ok": 1,
        "tools/call disconnected": 1,
        "tools/call ok": 7,
        "tools/call tool_error": 2,
        "tools/list ok": 1,
      }
    `);
    expect(countsBy(workers[0], "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end")).toMatchInlineSnapshot(`
      {
        "http_sse client_closed": 1,
        "post client_closed": 1,
        "post complete": 29,
      }
    `);
    expect(countsBy(workers[0], "mcp_sessions_started_total", "mcp_session_kind")).toEqual({ http_sse: 1 });
    expect(countsBy(workers[0], "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ stream_closed: 1 });
    expect(countsBy(workers[0], "mcp_undecoded_total", "mcp_reason")).toEqual({});
    expect(workers[0].vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
  });
});
