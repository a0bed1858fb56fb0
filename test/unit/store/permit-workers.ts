import { TestModule } from "../module.ts";
import { RacingData } from "./race.ts";

interface Exports {
  create(self: bigint, space: number): void;
  claim(now: bigint): number;
  acquire(key: bigint, owner: bigint, limit: number): number;
  inUse(): number;
  release(key: bigint, holder: bigint): void;
  tick(now: bigint, sweeps: boolean): void;
  conflicts(): number;
}

export const START = 1_800_000_000_000;
export const SECOND = 1000;

export const data = new RacingData();
/** Workers over the same shared data. */
export const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("permits", {}, data).exports);

let space = 0;

/** What stands for a worker. */
export const selfOf = (worker: number): bigint => BigInt(worker * 1024 + 7);

/** Opens permits, none in use, on all workers. */
export function open(): void {
  space++;
  for (const [i, worker] of workers.entries()) worker.create(selfOf(i), space);
}

/** Gets the worker a slot first, as the filter does. Returns how many are in use with the one acquired; false where none was. */
export function acquire(worker: number, key: bigint, owner: bigint, limit: number, now = 0): number | false {
  const exports = workers[worker];
  if (!exports.claim(BigInt(START + now))) return false;
  return exports.acquire(key, owner, limit) ? exports.inUse() >>> 0 : false;
}

/** Releases on one worker what another one, or itself, holds. */
export function release(worker: number, key: bigint, holder: number): void {
  workers[worker].release(key, selfOf(holder));
}

/** What a worker does each second: worker 1 sweeps. */
export function tick(worker: number, now: number, sweeper = 1): void {
  workers[worker].tick(BigInt(START + now), worker === sweeper);
}

/** Bytes of all records. */
export function bytesUsed(): number {
  const keys = data.keys().filter((key) => key.includes(`/test-${space}/permits/`));
  return keys.reduce((sum, key) => sum + data.get(key)!.bytes.length, 0);
}
