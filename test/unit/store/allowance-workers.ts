import { TestModule } from "../module.ts";
import { RacingData } from "./race.ts";

interface Exports {
  create(self: bigint, space: number, maxKeys: number, evicts: boolean): void;
  setRate(amount: number, perMs: bigint, burst: number): void;
  spend(scope: bigint, key: bigint, owner: bigint, count: number, now: bigint): number;
  refund(id: bigint, count: number, spentAt: bigint, now: bigint): void;
  hasBalance(scope: bigint, key: bigint, owner: bigint, now: bigint): number;
  charge(scope: bigint, key: bigint, owner: bigint, cost: bigint, now: bigint): number;
  id(): bigint;
  retryAfter(): bigint;
  remaining(): number;
  isShared(): number;
  keys(): number;
  readCount(): void;
  sweep(now: bigint): number;
  tolerance(): bigint;
  timeFor(count: number): bigint;
  conflicts(): number;
  spendMany(scope: bigint, key: bigint, owner: bigint, times: number, now: bigint): number;
}

export interface Rate {
  readonly amount: number;
  readonly perMs: number;
  readonly burst: number;
}

/** Identifies an allowance. */
export interface Whose {
  readonly scope: bigint;
  readonly key: bigint;
  readonly owner: bigint;
}

export const data = new RacingData();
/** Workers over the same shared data. */
export const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("allowances", {}, data).exports);

let space = 0;

/** Creates full allowances on all workers. */
export function openAllowances(rate: Rate, { maxKeys = 1000, evicts = false } = {}): void {
  space++;
  for (const [i, worker] of workers.entries()) worker.create(BigInt(i + 1), space, maxKeys, evicts);
  setRate(rate);
}

export function setRate({ amount, perMs, burst }: Rate): void {
  for (const worker of workers) worker.setRate(amount, BigInt(perMs), burst);
}

export function spend(worker: number, { scope, key, owner }: Whose, count: number, now: bigint): boolean {
  return workers[worker].spend(scope, key, owner, count, now) !== 0;
}

export function hasBalance(worker: number, { scope, key, owner }: Whose, now: bigint): boolean {
  return workers[worker].hasBalance(scope, key, owner, now) !== 0;
}

export function charge(worker: number, { scope, key, owner }: Whose, cost: bigint, now: bigint): void {
  workers[worker].charge(scope, key, owner, cost, now);
}

/** Runs one whole round of sweeps, after which all workers read the count. */
export function sweep(worker: number, now: bigint): void {
  while (!workers[worker].sweep(now));
  for (const each of workers) each.readCount();
}

/** Bytes of the keys and values of the current allowances. */
export function bytesUsed(): number {
  const keys = data.keys().filter((key) => key.includes(`/test-${space}/`));
  return keys.reduce((sum, key) => sum + key.length + data.get(key)!.bytes.length, 0);
}

/** A hash with arbitrary bits that is the same for the same number (splitmix64). */
export function hashOf(number: number): bigint {
  const mask = 2n ** 64n - 1n;
  let value = (BigInt(number) * 0x9e3779b97f4a7c15n + 0x9e3779b97f4a7c15n) & mask;
  value = ((value ^ (value >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  value = ((value ^ (value >> 27n)) * 0x94d049bb133111ebn) & mask;
  return value ^ (value >> 31n);
}

/** The entries of a value. */
export function entriesOf(value: Uint8Array): { id: bigint; fullAt: bigint; owner: number }[] {
  const bytes = Buffer.from(value);
  return Array.from({ length: Math.floor(bytes.length / 24) }, (_, i) => ({
    id: bytes.readBigUInt64LE(24 * i),
    fullAt: bytes.readBigUInt64LE(24 * i + 8),
    owner: bytes.readUInt32LE(24 * i + 16),
  }));
}
