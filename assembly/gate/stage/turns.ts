/** Work that a plugin instance does in turns of its own of the worker's event loop, a limited amount in each. */
export abstract class TurnWork {
  /** Another plugin instance, or this one, says that something is free under `key` for the counting unit of this worker: see
   *  `Store.self`. Nothing where that is unknown here. */
  abstract woken(worker: u64, key: u64): void;

  /** Passes or answers at most `most` requests. Host calls may refer to their streams afterwards. Returns how many. */
  abstract turn(most: i32): i32;

  /** Whether work is left that can be done now. */
  abstract get hasWork(): bool;
}

/**
 * The turns of a plugin instance. One callback must not pass or answer many requests of other streams: Envoy carries all of
 * that out nested when the callback returns, and its stack overflows at some 300, which ends the VM. In a callback of a stream
 * nothing may be answered but that stream.
 */
export abstract class Turns {
  /** The number by which other workers wake this instance; -1 before {@link open}. */
  abstract get number(): i32;

  /** Does this work in turns from now on. */
  abstract add(work: TurnWork): void;

  abstract remove(work: TurnWork): void;

  /** Makes sure that turns come, and that others can wake the instance. To be called again on each tick while that is needed.
   *  `now` in milliseconds. False where all numbers are in use, or the host refuses. */
  abstract open(now: u64): bool;

  /** Asks for a turn, unless one is on its way. It must be {@link open}. */
  abstract ask(): void;

  /** Wakes the plugin instance of this number: {@link TurnWork.woken}. */
  abstract wake(number: i32, worker: u64, key: u64): void;
}
