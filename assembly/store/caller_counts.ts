import { CALLER_TAG_COUNT } from "./session_entry";

const COUNTERS: i32 = CALLER_TAG_COUNT;
const COUNTER_SIZE: i32 = 4;

/** The maximum number of callers that {@link CallerCounts.writeHeaviest} writes, and the bytes of each. */
export const HEAVY_LIMIT: i32 = 8;
export const HEAVY_SIZE: i32 = 2;

/** The counts (u32 each). All instances share them, so only one instance can be in use at a time. 0 until the first use. */
let counters: usize = 0;

/** The number of sessions of each caller, by the caller's tag. */
export class CallerCounts {
  /** Resets all counts to 0. */
  clear(): void {
    if (!counters) counters = heap.alloc(COUNTERS * COUNTER_SIZE);
    memory.fill(counters, 0, COUNTERS * COUNTER_SIZE);
  }

  add(caller: u16): void {
    const counter = counterOf(caller);
    store<u32>(counter, load<u32>(counter) + 1);
  }

  remove(caller: u16): void {
    const counter = counterOf(caller);
    const count = load<u32>(counter);
    if (count) store<u32>(counter, count - 1);
  }

  of(caller: u16): u32 {
    return load<u32>(counterOf(caller));
  }

  /** The total number of sessions of the callers that have more than `level` sessions. */
  above(level: u32): i32 {
    let sum = 0;
    for (let i = 0; i < COUNTERS; i++) {
      const count = countAt(i);
      if (count > level) sum += count;
    }
    return sum;
  }

  /** The highest number of sessions that each caller may keep so that at least `surplus` sessions are evicted. `surplus`
   *  must be less than the number of all sessions. */
  levelOf(surplus: i32): u32 {
    let low: u32 = 0;
    let high: u32 = i32.MAX_VALUE;
    while (low < high) {
      const level = low + (high - low + 1) / 2;
      let over: i64 = 0;
      for (let i = 0; i < COUNTERS; i++) {
        const count = countAt(i);
        if (count > level) over += count - level;
      }
      if (over >= surplus) low = level;
      else high = level - 1;
    }
    return low;
  }

  /** Writes the tags of the callers with most sessions that have at least the average number. Returns the number of bytes
   *  written. */
  writeHeaviest(at: usize): i32 {
    let sum: u64 = 0;
    let callers: u64 = 0;
    for (let i = 0; i < COUNTERS; i++) {
      const count = countAt(i);
      sum += count;
      if (count) callers++;
    }
    let length = 0;
    for (let i = 0; i < COUNTERS; i++) {
      const count = countAt(i);
      if (count == 0 || callers * count < sum) continue;
      // Inserts in descending order: callers with fewer sessions move back, and the last one drops out.
      let place = length;
      while (place > 0 && countAt(load<u16>(at + (place - 1) * HEAVY_SIZE)) < count) place--;
      if (place == HEAVY_LIMIT) continue;
      if (length < HEAVY_LIMIT) length++;
      memory.copy(at + (place + 1) * HEAVY_SIZE, at + place * HEAVY_SIZE, (length - 1 - place) * HEAVY_SIZE);
      store<u16>(at + place * HEAVY_SIZE, <u16>i);
    }
    return length * HEAVY_SIZE;
  }
}

function counterOf(caller: u16): usize {
  return counters + ((<i32>caller) & (COUNTERS - 1)) * COUNTER_SIZE;
}

function countAt(index: i32): u32 {
  return load<u32>(counters + index * COUNTER_SIZE);
}
