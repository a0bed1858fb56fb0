/** The benchmark of events runs from end to end. Its times are not looked at, but that no event waits for the next. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { endsAfterAll } from "./cleanup.ts";
import { startCommand } from "./commands.ts";

const BENCH = "node --import tsx scripts/bench/events.ts";
const EVENTS = 10;
const ROUNDS = 2;

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-bench-events-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("each event comes before the next is sent, with the filter and without, and the filter has read them all", async () => {
  const json = join(folder, "events.json");
  // Far enough apart that a busy machine does not look like a buffer.
  const command = keep(startCommand(`${BENCH} --rounds ${ROUNDS} --events ${EVENTS} --interval 100 --json ${json}`));
  expect(await command.ended, command.output()).toBe(0);
  expect(command.leftovers()).toEqual([]);

  const spread = { low: expect.any(Number), median: expect.any(Number), high: expect.any(Number) };
  const events = EVENTS * ROUNDS;
  const delays = { p50: spread, p99: spread, events, late: 0 };
  const compared = { ...delays, addedP50: spread, addedP99: spread, ratioP50: spread, ratioP99: spread };
  const results = JSON.parse(readFileSync(json, "utf8")) as { p50: Spread; p99: Spread }[];
  expect(results).toEqual([
    { variant: "none", ...delays },
    { variant: "floor", ...compared },
    // The stream that warms up, too.
    { variant: "tokens", ...compared, counted: events + EVENTS },
  ]);
  for (const { p50, p99 } of results) {
    expect(p50.median).toBeGreaterThan(0);
    expect(p99.median).toBeGreaterThanOrEqual(p50.median);
  }
  for (const title of ["variant", "p50 µs", "p99 µs", "added", "ratio", "late"])
    expect(command.output()).toContain(title);
});

test("an interrupt leaves nothing running", async () => {
  const command = keep(startCommand(`${BENCH} --events 50`));
  await command.shows(/Round 1 of/);
  await command.interrupt();
  expect(command.leftovers()).toEqual([]);
});

interface Spread {
  median: number;
}
