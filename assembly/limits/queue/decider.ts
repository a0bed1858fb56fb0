import { Waiter } from "./waiter";

/** Decides about requests that wait. */
export abstract class Decider {
  /** Decides a request once more: passes it on, answers it, or leaves it waiting, maybe in another line. `isOver`: it must not
   *  wait any longer. Host calls refer to its stream afterwards. False where it waits on in the same line. */
  abstract decide(waiter: Waiter, isOver: bool): bool;

  /** A request does not wait for its rule any longer. */
  abstract left(waiter: Waiter): void;
}
