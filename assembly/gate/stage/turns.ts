/** Work that a plugin instance does in separate turns of the worker's event loop, a limited amount in each. */
export abstract class TurnWork {
  /** Receives the message of a plugin instance, possibly this one, that capacity is free under `key` for a counting
   *  unit on this worker: see `Store.self`. Does nothing if this worker does not know the key. */
  abstract woken(worker: u64, key: u64): void;

  /** Passes or answers at most `most` requests, and returns their number. Host calls may refer to their streams
   *  afterwards. */
  abstract turn(most: i32): i32;

  /** Whether there is work that can be done now. */
  abstract get hasWork(): bool;
}

/**
 * The turns of a plugin instance. One callback must not pass or answer many requests of other streams: Envoy carries
 * all of that out nested when the callback returns, and its stack overflows at about 300, which ends the VM. A callback
 * of a stream may answer only that stream.
 */
export abstract class Turns {
  /** The number by which other workers wake this instance; -1 before {@link open}. */
  abstract get number(): i32;

  /** Does this work in turns from now on. */
  abstract add(work: TurnWork): void;

  abstract remove(work: TurnWork): void;

  /** Ensures that turns come, and that others can wake the instance. Called again on each tick while that is needed.
   *  `now` is in milliseconds. Returns false if all numbers are in use or the host does not support it. */
  abstract open(now: u64): bool;

  /** Asks for a turn, unless one was requested already. The turns must be {@link open}. */
  abstract ask(): void;

  /** Wakes the plugin instance of this number: see {@link TurnWork.woken}. */
  abstract wake(number: i32, worker: u64, key: u64): void;
}
