import { expect, test } from "vitest";
import { modulePath } from "../modules.ts";
import { loadModule, type Plugin, SharedQueues, Vm } from "../../scripts/host/index.ts";

const start = (queues = new SharedQueues()) => new Vm(loadModule(modulePath("test/host/modules/turns.ts")), { queues });

function hold(plugin: Plugin, count: number) {
  const streams = Array.from({ length: count }, () => plugin.stream());
  for (const stream of streams) stream.requestHeaders([]);
  return streams;
}

test("a queue wakes only the root context that registered it last, in a turn of its own", () => {
  const queues = new SharedQueues();
  const [one, two] = [start(queues), start(queues)];
  const first = one.plugin();
  first.tick();
  expect(one.logs.map(({ message }) => message)).toEqual(["register: 0, token 1 by 1", "enqueue: 0 1"]);
  one.plugin();
  two.plugin();
  first.tick();
  for (const vm of [one, two]) vm.logs.length = 0;
  expect(queues.turn()).toBe(2);
  const log = (vm: Vm) => vm.logs.map(({ message }) => message);
  // The first wake-up went to the instance that was registered at that time, which found both messages.
  expect(log(one)).toEqual(["ready 1 1: 0, 1 bytes; 0 1"]);
  expect(log(two)).toEqual(["ready 1 1: 7, 0 bytes; 7 1"]);
  expect(queues.turn()).toBe(0);
});

test("a message to a root context that is gone wakes nobody, and stays", () => {
  const vm = start();
  const plugin = vm.plugin();
  plugin.tick();
  plugin.close();
  expect(vm.queues.turn()).toBe(1);
  expect(vm.queues.waiting).toBe(1);
});

test("what one callback answers is sent nested, until the stack overflows", () => {
  const vm = start();
  const plugin = vm.plugin();
  const few = hold(plugin, 200);
  plugin.tick();
  expect(few.every(({ reply }) => reply?.status === 429)).toBe(true);
  expect(vm.deepest).toBe(201);
  hold(plugin, 300);
  expect(() => plugin.tick()).toThrow("Maximum call stack size exceeded");
  expect(vm.failure).toBeDefined();
});
