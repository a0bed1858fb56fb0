import { Waiter } from "./waiter";

/** Decides about waiting requests. */
export abstract class Decider {
  /** Decides about a request again: passes it, answers it, or lets it wait, possibly in another line. `isOver`: it
   *  must not wait any longer. Host calls refer to its stream afterwards. Returns false if it stays in the same
   *  line. */
  abstract decide(waiter: Waiter, isOver: bool): bool;

  /** Handles a request that no longer waits for its rule. */
  abstract left(waiter: Waiter): void;
}
