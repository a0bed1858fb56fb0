import { Random } from "../../host/random";
import { sipHash } from "../../memory/siphash";
import { ATTEMPTS, Store } from "./store";

/** Offsets in the value, u64 each. */
const KEY_0_AT: usize = 0;
const KEY_1_AT: usize = 8;
const SIZE: i32 = 16;
const numberBytes: usize = memory.data(8);

/** A random 128-bit key for hashes. Without it, a hash reveals nothing about the bytes, and nobody can construct collisions.
 *  The first worker generates it, and all workers of the store share it. */
export class Secret {
  readonly key0: u64;
  readonly key1: u64;

  constructor(shared: Store, random: Random) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shared.load("secret");
      if (shared.length == SIZE) break;
      store<u64>(shared.page, random.next(), KEY_0_AT);
      store<u64>(shared.page, random.next(), KEY_1_AT);
      shared.length = SIZE;
      if (shared.save()) break;
    }
    this.key0 = load<u64>(shared.page, KEY_0_AT);
    this.key1 = load<u64>(shared.page, KEY_1_AT);
  }

  /** The keyed hash of a number. */
  hashNumber(number: u64): u64 {
    store<u64>(numberBytes, number);
    return this.hash(numberBytes, sizeof<u64>());
  }

  /** The keyed hash of bytes, by SipHash-2-4. */
  hash(at: usize, length: usize): u64 {
    return sipHash(this.key0, this.key1, at, length, 2, 4);
  }
}
