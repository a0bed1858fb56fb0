import { Clock, type HttpStream, MetricStore, type Plugin, SharedDataStore, SharedQueues, Vm } from "../host/index.ts";
import { cut } from "../../test/unit/chunks.ts";
import type { FilterCase } from "../fuzz/filter/case.ts";
import { passCase, staysOpen } from "../fuzz/filter/pass.ts";
import { Random } from "../fuzz/random.ts";
import type { Configuration } from "./configurations.ts";
import { type Entry, Recorder, entryOf } from "./recorder.ts";

/** Number of workers of each proxy, so that their shared data is compared too. */
const WORKERS = 2;

/** A proxy with one of the two modules under one configuration, which records everything. */
export class Side {
  /** All entries since the list was last emptied. */
  readonly entries: Entry[] = [];
  readonly clock = new Clock();
  /** True after a trap. The proxy cannot be used any more. */
  failed = false;
  readonly workers: Plugin[] = [];
  readonly #name: "old" | "new";
  readonly #queues = new SharedQueues();
  #open: { stream: HttpStream; input: FilterCase; until: number }[] = [];

  constructor(name: "old" | "new", module: WebAssembly.Module, { value, allowHeadersStop }: Configuration) {
    this.#name = name;
    const shared = { metrics: new MetricStore(), clock: this.clock, sharedData: new SharedDataStore() };
    const properties = { "xds.cluster_name": "tools" };
    this.run(() => {
      for (let worker = 0; worker < WORKERS; worker++) {
        const options = { random: randomBytes(worker), observer: new Recorder(this.entries, worker) };
        const vm = new Vm(module, { ...shared, ...options, queues: this.#queues });
        this.workers.push(vm.plugin({ configuration: value, allowHeadersStop, properties }));
      }
    });
  }

  /** Number of pages of all workers' memories. */
  get pages(): number {
    return this.workers.reduce((sum, { vm }) => sum + vm.memoryPages(), 0);
  }

  /** Runs an action on the proxy. An exception is recorded, and the proxy has then failed. */
  run(action: () => void): void {
    if (this.failed) return;
    try {
      action();
      this.#queues.turn();
    } catch (error) {
      this.failed = true;
      // The name makes the entries differ, so that a failure is reported even if both modules fail in the same way.
      this.entries.push(entryOf("error", "", `${this.#name}: ${String(error)}`));
    }
    // The host keeps all log lines. They have been recorded already.
    for (const { vm } of this.workers) vm.logs.length = 0;
  }

  /** Sends the exchange with this number, after its delay in seconds and after closing the streams that are due. */
  pass(input: FilterCase, number: number, inParts: boolean): void {
    this.passSeconds(input.seconds);
    this.close((until) => until <= number);
    const parts = inParts ? (body: Buffer) => cut(body, input.sizes) : undefined;
    const { stream } = passCase(this.workers[number % WORKERS], input, parts);
    if (staysOpen(input)) this.#open.push({ stream, input, until: number + input.staysOpen });
  }

  /** Ends the open streams that are due by the reset in their input; all open streams by default. */
  close(isDue: (until: number) => boolean = () => true): void {
    const due = this.#open.filter(({ until }) => isDue(until));
    this.#open = this.#open.filter(({ until }) => !isDue(until));
    for (const { stream, input } of due) if (stream.reply === undefined) stream.reset(input.reset!);
  }

  /** Advances the clock by a number of seconds. In each second, all workers tick and read their queues. */
  passSeconds(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000);
      for (const worker of this.workers) worker.tick();
      this.#queues.turn();
    }
  }
}

/** A generator of random bytes that gives the same bytes to the same worker in every proxy. */
function randomBytes(worker: number): (size: number) => Uint8Array {
  const random = new Random(worker + 1);
  return (size) => Uint8Array.from({ length: size }, () => random.below(256));
}
