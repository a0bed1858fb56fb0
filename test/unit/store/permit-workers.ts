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

/** Identifies a worker. */
export const selfOf = (worker: number): bigint => BigInt(worker * 1024 + 7);

/** Creates permits on all workers, none in use. */
export function open(): void {
  space++;
  for (const [i, worker] of workers.entries()) worker.create(selfOf(i), space);
}

/** Acquires a permit, after assigning the worker a slot as the filter does. Returns the number in use; false if none was
 *  acquired. */
export function acquire(worker: number, key: bigint, owner: bigint, limit: number, now = 0): number | false {
  const exports = workers[worker];
  if (!exports.claim(BigInt(START + now))) return false;
  return exports.acquire(key, owner, limit) ? exports.inUse() >>> 0 : false;
}

/** Releases, on one worker, a permit of any worker. */
export function release(worker: number, key: bigint, holder: number): void {
  workers[worker].release(key, selfOf(holder));
}

/** The tick of a worker; worker 1 sweeps. */
export function tick(worker: number, now: number, sweeper = 1): void {
  workers[worker].tick(BigInt(START + now), worker === sweeper);
}

/** Bytes of all records. */
export function bytesUsed(): number {
  const keys = data.keys().filter((key) => key.includes(`/test-${space}/permits/`));
  return keys.reduce((sum, key) => sum + data.get(key)!.bytes.length, 0);
}

export interface Record {
  readonly key: bigint;
  readonly holder: bigint;
  readonly owner: number;
  readonly count: number;
}

const RECORD_SIZE = 24;

let format: string | undefined;

function bucketKey(bucket: number): string {
  format ??= data.keys()[0]?.split("/")[1];
  const digits = [12, 6, 0].map((shift) => 0x30 + ((bucket >> shift) & 63));
  return `mcp/${format}/test-${space}/permits/${String.fromCharCode(...digits)}`;
}

/** The records of a bucket. */
export function recordsOf(bucket: number): Record[] {
  const bytes = Buffer.from(data.get(bucketKey(bucket))?.bytes ?? []);
  return Array.from({ length: Math.floor(bytes.length / RECORD_SIZE) }, (_, i) => ({
    key: bytes.readBigUInt64LE(RECORD_SIZE * i),
    holder: bytes.readBigUInt64LE(RECORD_SIZE * i + 8),
    owner: bytes.readUInt32LE(RECORD_SIZE * i + 16),
    count: bytes.readUInt32LE(RECORD_SIZE * i + 20),
  }));
}

/** Writes records to bucket 0, `repeat` times, without the last `cut` bytes. A worker must have a slot. */
export function damage(records: readonly Record[], repeat: number, cut: number): void {
  const bytes = Buffer.alloc(RECORD_SIZE * records.length);
  for (const [i, { key, holder, owner, count }] of records.entries()) {
    bytes.writeBigUInt64LE(key, RECORD_SIZE * i);
    bytes.writeBigUInt64LE(holder, RECORD_SIZE * i + 8);
    bytes.writeUInt32LE(owner, RECORD_SIZE * i + 16);
    bytes.writeUInt32LE(count, RECORD_SIZE * i + 20);
  }
  const all = Buffer.concat(Array.from({ length: repeat }, () => bytes));
  data.set(bucketKey(0), all.subarray(0, Math.max(0, all.length - cut)), 0);
}
