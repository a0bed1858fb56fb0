/** Tests that one tick period of the host serves housekeeping and all timer tasks of a plugin instance. */
import { beforeEach, expect, test } from "vitest";

import { modulePath } from "../../modules.ts";
import { loadModule, type Plugin, Vm } from "../../../scripts/host/index.ts";

const SET_PERIOD = "proxy_set_tick_period_milliseconds";

let vm: Vm;
let plugin: Plugin;
/** Milliseconds since the plugin was configured. */
let elapsed: number;
/** The host's timer: when it fires next, and the number of calls that have set it. */
let tickAt: number;
let sets: number;

beforeEach(() => {
  vm = new Vm(loadModule(modulePath("test/host/binding/modules/facilities.ts")));
  plugin = vm.plugin();
  [elapsed, tickAt, sets] = [0, 1000, vm.calls.count(SET_PERIOD)];
  vm.logs.length = 0;
});

/** Advances the time and runs the ticks that are due, each `late` milliseconds late. Returns the log lines of the module,
 *  each with the milliseconds since the start. */
function pass(milliseconds: number, late = 0): string[] {
  const end = elapsed + milliseconds;
  const lines: string[] = [];
  while (tickAt + late <= end) {
    moveTo(tickAt + late);
    plugin.tick();
    const known = sets;
    noteSet();
    if (sets === known) tickAt = elapsed + plugin.tickPeriod;
    lines.push(...vm.logs.splice(0).map(({ message }) => `${elapsed} ${message}`));
  }
  moveTo(end);
  return lines;
}

function moveTo(milliseconds: number): void {
  vm.clock.advance(milliseconds - elapsed);
  elapsed = milliseconds;
}

/** Setting the period restarts it. */
function noteSet(): void {
  const count = vm.calls.count(SET_PERIOD);
  if (count !== sets) tickAt = elapsed + plugin.tickPeriod;
  sets = count;
}

/** Calls the timer in a request callback. */
function ask(...commands: string[]): void {
  const stream = plugin.stream();
  stream.requestHeaders([["x-script", commands.map((command) => `request-headers ${command}`).join(";")]], true);
  stream.end();
  noteSet();
  vm.logs.length = 0;
}

function setsSince(known: number): number {
  return vm.calls.count(SET_PERIOD) - known;
}

test("without tasks every tick is housekeeping, and the period is set once", () => {
  expect(sets).toBe(1);
  expect(plugin.tickPeriod).toBe(1000);
  expect(pass(3500)).toEqual(["1000 housekeeping", "2000 housekeeping", "3000 housekeeping"]);
  // Independent of the clock.
  for (let i = 0; i < 3; i++) plugin.tick();
  vm.clock.advance(-3_600_000);
  plugin.tick();
  expect(vm.logs.map(({ message }) => message)).toEqual(Array(4).fill("housekeeping"));
  expect(vm.calls.count(SET_PERIOD)).toBe(1);
});

test("a task runs once, after its delay, and housekeeping keeps its rhythm", () => {
  expect(pass(1300)).toEqual(["1000 housekeeping"]);
  ask("after once 20");
  expect(plugin.tickPeriod).toBe(20);
  expect(pass(2700)).toEqual(["1320 task once", "2000 housekeeping", "3000 housekeeping", "4000 housekeeping"]);
  // 20 ms, the remaining 680 ms of the housekeeping period, and a whole period.
  expect(setsSince(1)).toBe(3);
  expect(plugin.tickPeriod).toBe(1000);
});

test("a periodic task runs until it is cancelled", () => {
  pass(1000);
  ask("every p 400");
  expect(pass(1700)).toEqual(["1400 task p", "1800 task p", "2000 housekeeping", "2200 task p", "2600 task p"]);
  ask("cancel p");
  expect(pass(2300)).toEqual(["3000 housekeeping", "4000 housekeeping", "5000 housekeeping"]);
  expect(plugin.tickPeriod).toBe(1000);
});

test("several tasks share the period: the time until the first of them", () => {
  pass(1000);
  ask("every slow 300", "every fast 100", "after once 50");
  expect(pass(310)).toEqual(["1050 task once", "1100 task fast", "1200 task fast", "1300 task fast", "1300 task slow"]);
});

test("a task that is due earlier keeps its time", () => {
  pass(1000);
  ask("after once 100");
  pass(50);
  ask("after once 100");
  expect(pass(100)).toEqual(["1100 task once"]);
  ask("after once 100", "after once 10");
  expect(pass(100)).toEqual(["1160 task once"]);
});

test("requests that ask and cancel all the time do not put off ticks", () => {
  pass(1000);
  const known = sets;
  const lines: string[] = [];
  for (let i = 0; i < 400; i++) {
    ask("after once 20", "cancel once");
    lines.push(...pass(5));
  }
  expect(lines).toEqual(["2000 housekeeping", "3000 housekeeping"]);
  expect(setsSince(known)).toBeLessThan((2 * 2000) / 20 + 4);
});

test("the period is not set again where it does not change", () => {
  pass(1000);
  ask("every p 20");
  const known = sets;
  for (let i = 0; i < 100; i++) {
    ask("after once 500");
    pass(5);
  }
  expect(setsSince(known)).toBe(0);
});

test("late ticks put tasks off, and none runs twice", () => {
  pass(1000);
  ask("every p 20");
  const runs = pass(1000, 8).filter((line) => line.endsWith("task p"));
  expect(runs).toHaveLength(Math.floor(1000 / 28));
});

test("a clock that is set back by an hour changes no delay", () => {
  pass(1000);
  ask("every p 50", "after once 120");
  pass(60);
  vm.clock.advance(-3_600_000);
  expect(pass(100, 0).map((line) => line.slice(5))).toEqual(["task p", "task once", "task p"]);
  expect(pass(1900).filter((line) => line.endsWith("housekeeping"))).toHaveLength(2);
});

test("a delay of 0 is one of 1 ms", () => {
  pass(1000);
  ask("after once 0");
  expect(plugin.tickPeriod).toBe(1);
  expect(pass(1)).toEqual(["1001 task once"]);
});

test("each plugin instance has a timer of its own", () => {
  const other = vm.plugin();
  ask("every p 50");
  expect([plugin.tickPeriod, other.tickPeriod]).toEqual([50, 1000]);
});

test("a task that was asked for before another configuration still runs", () => {
  ask("every p 50");
  plugin.configure();
  vm.logs.length = 0;
  expect(plugin.tickPeriod).toBe(50);
  expect(pass(60)).toEqual(["50 task p"]);
});
