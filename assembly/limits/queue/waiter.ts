import { GateRequest } from "../../gate/stage/request";
import { Pool } from "../../memory/pool";
import { CheckedRequest } from "../../rules/checked_request";

/** A request that waits in a {@link Line} until a rule admits it. Pooled. */
@unmanaged
export class Waiter {
  request: GateRequest;
  check: CheckedRequest;
  /** The address of its line, 0 for none, and of its caller's part of that. */
  line: usize;
  caller: usize;
  /** The key of its line, or of the last one that it was in: addresses of lines are used again. */
  key: u64;
  /** The index of the rule that it waits for: see {@link Rejection}. */
  rule: i32;
  /** The last of the decisions that it has waited for, in the order in which rules decide its messages: it does not wait its
   *  turn again for that one and those before it. See {@link Charger.beginWaiting}. */
  reached: i32;
  /** The kind of limit that did not admit it last. */
  kind: i32;
  /** When it began to wait at all, and for this rule, in nanoseconds. */
  arrivedAt: u64;
  beganAt: u64;
  /** When it must not wait any longer, in milliseconds. */
  deadlineMs: u64;
  /** Its client has cancelled it. */
  isCancelled: bool;
  /** It has given up its place in a full line, and is to be answered. */
  isDisplaced: bool;
  /** The addresses of its neighbours among the requests of its caller, in the order in which they came; 0 for none. */
  previous: usize;
  next: usize;
  /** The same by deadline. */
  sooner: usize;
  later: usize;

  static take(request: GateRequest, check: CheckedRequest): Waiter {
    const self = changetype<Waiter>(pool.take());
    self.request = request;
    self.check = check;
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }
}

const pool = new Pool(offsetof<Waiter>());
