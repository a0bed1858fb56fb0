/** Tests the watchdog for requests whose bodies never arrive: it answers any number of them without deeply nested replies. */
import { expect, test } from "vitest";
import {
  Clock,
  type HttpStream,
  loadModule,
  type Plugin,
  requestHead,
  SharedDataStore,
  SharedQueues,
  Vm,
} from "../../../scripts/host/index.ts";
import { guarded, startGuarded, tools } from "./access.ts";
import { countsBy, MCP_HEADERS } from "./filter.ts";

/** More than any test holds: no request is rejected because too many are held. */
const MANY_HELD = { hold: { maxStreams: 100_000 } };
const HOLDING = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm")], holdHeaders: true };
const head = requestHead({ headers: MCP_HEADERS });
/** The number of streams that one callback answers. */
const PER_TURN = 32;

const start = () => startGuarded(HOLDING, { more: MANY_HELD, allowHeadersStop: true });

function hold(plugin: Plugin, count: number): HttpStream[] {
  return Array.from({ length: count }, () => {
    const stream = plugin.stream();
    expect(stream.requestHeaders(head)).toBe(1);
    return stream;
  });
}

/** The next tick after `seconds`. */
function tickAfter(plugin: Plugin, seconds: number): void {
  plugin.vm.clock.advance(seconds * 1000);
  plugin.tick();
}

/** Runs up to this number of following iterations of the event loop. Returns their number. */
function runTurns(queues: SharedQueues, limit = 1000): number {
  let turns = 0;
  while (turns < limit && queues.turn() > 0) turns++;
  return turns;
}

const answered = (streams: HttpStream[]) => streams.filter(({ reply }) => reply !== undefined).length;

test("a tick answers 32 of 2 000, and each following iteration of the event loop 32 more", () => {
  const plugin = start();
  const { queues } = plugin.vm;
  const streams = hold(plugin, 2000);
  tickAfter(plugin, 5);
  expect(answered(streams)).toBe(PER_TURN);
  queues.turn();
  expect(answered(streams)).toBe(2 * PER_TURN);
  expect(runTurns(queues)).toBe(Math.ceil(2000 / PER_TURN) - 2);
  expect(answered(streams)).toBe(2000);
  expect(new Set(streams.map(({ reply }) => reply?.status))).toEqual(new Set([503]));
  expect(plugin.vm.deepest).toBeLessThanOrEqual(PER_TURN + 1);
  expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule")).toEqual({ _refused: 2000 });
  expect(queues.waiting).toBe(0);
  expect(streams[0].reply?.details).toBe("mcp_access_refused[no_body]");
});

test("the oldest are answered first, and none before its time", () => {
  const plugin = start();
  const old = hold(plugin, 40);
  plugin.vm.clock.advance(1000);
  const young = hold(plugin, 40);
  tickAfter(plugin, 4);
  expect(old.map(({ reply }) => reply !== undefined)).toEqual(old.map((_, index) => index < PER_TURN));
  runTurns(plugin.vm.queues);
  expect([answered(old), answered(young)]).toEqual([40, 0]);
});

test("no queue is registered while ticks suffice", () => {
  const plugin = start();
  const streams = hold(plugin, PER_TURN);
  tickAfter(plugin, 5);
  expect(answered(streams)).toBe(PER_TURN);
  expect(plugin.vm.calls.count("proxy_register_shared_queue")).toBe(0);
});

test("streams that have ended by then are not answered, and the others are", () => {
  const plugin = start();
  const streams = hold(plugin, 200);
  tickAfter(plugin, 5);
  const left = streams.filter(({ reply }) => reply === undefined);
  left.filter((_, index) => index % 2 === 0).forEach((stream) => stream.reset("client"));
  runTurns(plugin.vm.queues);
  expect(left.map(({ reply }) => reply !== undefined)).toEqual(left.map((_, index) => index % 2 === 1));
});

test("if a wake-up gets lost, the ticks continue and request another one", () => {
  const plugin = start();
  const { queues } = plugin.vm;
  const streams = hold(plugin, 300);
  tickAfter(plugin, 5);
  // Another instance registers the name: the posted wake-up still arrives, the next one goes elsewhere.
  queues.register(queues.names()[0], { wake() {} }, 0);
  runTurns(queues);
  expect(answered(streams)).toBe(2 * PER_TURN);
  tickAfter(plugin, 1);
  runTurns(queues);
  expect(answered(streams)).toBe(3 * PER_TURN);
  tickAfter(plugin, 1);
  runTurns(queues);
  expect(answered(streams)).toBe(300);
  expect(queues.names()).toHaveLength(1);
  expect(queues.waiting).toBe(0);
});

test("ticks do not start further chains of iterations while one is running", () => {
  const plugin = start();
  const { queues } = plugin.vm;
  const streams = hold(plugin, 3000);
  tickAfter(plugin, 5);
  for (let second = 0; second < 5; second++) {
    for (let turn = 0; turn < 3; turn++) expect(queues.turn()).toBe(1);
    tickAfter(plugin, 1);
  }
  runTurns(queues);
  expect(answered(streams)).toBe(3000);
});

test("plugin instances in one VM and in others wake themselves only", () => {
  const shared = { queues: new SharedQueues(), clock: new Clock(), sharedData: new SharedDataStore() };
  const options = { allowHeadersStop: true, configuration: guarded(HOLDING, MANY_HELD) };
  const [one, two] = [new Vm(loadModule(), shared), new Vm(loadModule(), shared)];
  const plugins = [one.plugin(options), one.plugin(options), two.plugin(options), two.plugin(options)];
  const streams = plugins.map((plugin) => hold(plugin, 100));
  shared.clock.advance(5000);
  for (const plugin of plugins) plugin.tick();
  expect(shared.queues.names()).toHaveLength(4);
  runTurns(shared.queues);
  expect(streams.map(answered)).toEqual([100, 100, 100, 100]);
});

test("names of queues are reused when instances come and go", () => {
  const plugin = start();
  const { queues } = plugin.vm;
  for (let round = 0; round < 50; round++) {
    const streams = hold(plugin, 40);
    tickAfter(plugin, 5);
    runTurns(queues);
    expect(answered(streams)).toBe(40);
  }
  expect(queues.names()).toHaveLength(1);
});

test("a plugin instance that is gone is not woken, and another one is served", () => {
  const plugin = start();
  const { vm } = plugin;
  const streams = hold(plugin, 40);
  tickAfter(plugin, 5);
  for (const stream of streams.filter(({ reply }) => reply === undefined)) stream.reset("client");
  plugin.close();
  runTurns(vm.queues);
  const next = vm.plugin({ allowHeadersStop: true, configuration: guarded(HOLDING, MANY_HELD) });
  const more = hold(next, 40);
  tickAfter(next, 5);
  runTurns(vm.queues);
  expect(answered(more)).toBe(40);
});

test("a clock that is set back delays the answers by the patience at most", () => {
  const plugin = start();
  const streams = hold(plugin, 1);
  plugin.vm.clock.advance(-3_600_000);
  streams.push(...hold(plugin, 1));
  tickAfter(plugin, 0);
  expect(answered(streams)).toBe(0);
  tickAfter(plugin, 5);
  expect(answered(streams)).toBe(2);
});
