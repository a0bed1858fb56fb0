/** A queue that all threads of the proxy share by its name. Each message wakes the plugin instance that registered the name
 *  last, in a new turn of its worker's event loop. */
export abstract class SharedQueue {
  /** Opens the queue of this name, and makes the current plugin instance the one that it wakes. Messages stay. False where
   *  the host refuses. */
  abstract register(name: string): bool;

  /** Adds a message. False where the queue is not registered; true does not say that an instance was woken, since the one
   *  that registered last may have ended. */
  abstract wake(): bool;

  /** Takes waiting messages out of the queue, at most 64 of them. */
  abstract drain(): void;
}
