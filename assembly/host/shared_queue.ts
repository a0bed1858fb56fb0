/** Message queues that all threads of the proxy share by name. Each message wakes the plugin instance that registered the
 *  name last, in a separate iteration of its worker's event loop. */
export abstract class SharedQueue {
  /** The message that {@link next} removed: `length` bytes at `at`, valid until the callback ends. */
  at: usize = 0;
  length: usize = 0;

  /** Opens the queue with this name as this instance's own queue. From now on, the queue wakes this instance. Existing
   *  messages remain. False if the host refuses. */
  abstract register(name: string): bool;

  /** The host's number for the queue with this name, which another instance has registered; 0 if it does not exist. */
  abstract find(name: string): u32;

  /** Adds a one-byte message to the instance's own queue. False if no queue is registered. True does not guarantee that an
   *  instance wakes up, since the one that registered last may have ended. */
  abstract wake(): bool;

  /** Adds a message of `length` bytes to the queue with this number. False if it does not exist. */
  abstract send(queue: u32, at: usize, length: usize): bool;

  /** Removes the oldest message from the instance's own queue. False if the queue is empty. */
  abstract next(): bool;
}

/** Opens no queue, so that work waits for the next tick. For a host that does not announce messages. */
export class NoSharedQueue extends SharedQueue {
  register(_name: string): bool {
    return false;
  }

  find(_name: string): u32 {
    return 0;
  }

  wake(): bool {
    return false;
  }

  send(_queue: u32, _at: usize, _length: usize): bool {
    return false;
  }

  next(): bool {
    return false;
  }
}
