/** The queues that all threads of the proxy share by their names. Each message wakes the plugin instance that registered the
 *  name last, in a new turn of its worker's event loop. */
export abstract class SharedQueue {
  /** The message that {@link next} took out: `length` bytes at `at`, valid until the callback is over. */
  at: usize = 0;
  length: usize = 0;

  /** Opens the queue of this name as this instance's own, and makes it the one that the queue wakes. Messages stay. False
   *  where the host refuses. */
  abstract register(name: string): bool;

  /** The host's number of the queue of this name, which another instance has registered; 0 where there is none. */
  abstract find(name: string): u32;

  /** Adds a message of one byte to the instance's own queue. False where that is not registered; true does not say that an
   *  instance was woken, since the one that registered last may have ended. */
  abstract wake(): bool;

  /** Adds a message of `length` bytes to the queue of this number. False where there is none. */
  abstract send(queue: u32, at: usize, length: usize): bool;

  /** Takes the oldest message out of the instance's own queue. False where there is none. */
  abstract next(): bool;
}
