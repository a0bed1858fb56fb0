import { sipHash } from "../../../assembly/memory/siphash";

export { allocate } from "./common/allocate";

export function hash(key0: u64, key1: u64, at: usize, length: i32, rounds: i32, finalRounds: i32): u64 {
  return sipHash(key0, key1, at, length, rounds, finalRounds);
}
