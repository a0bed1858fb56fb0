import type { Vm } from "../../../scripts/host/index.ts";

/** Bytes of a session in shared data, and where it says which workers have operations of it open, or requests that wait for
 *  limits: see SessionEntry. */
const ENTRY_SIZE = 104;
const HOLDS_AT = [64, 72];

/** In how many sessions a worker says that it has something open now. */
export function heldSessions({ sharedData, clock }: Vm): number {
  const nowMs = clock.now / 1_000_000n;
  const buckets = sharedData.keys().filter((key) => key.includes("/sessions/"));
  const entries = buckets.flatMap((key) => {
    const bytes = Buffer.from(sharedData.get(key)!.bytes);
    if (bytes.length % ENTRY_SIZE !== 0) throw new Error("the layout of SessionEntry has changed");
    return Array.from({ length: bytes.length / ENTRY_SIZE }, (_, i) => bytes.subarray(i * ENTRY_SIZE));
  });
  return entries.filter((entry) => HOLDS_AT.some((at) => entry.readBigUInt64LE(at) >> 8n > nowMs)).length;
}
