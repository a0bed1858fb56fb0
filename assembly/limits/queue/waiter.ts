import { GateRequest } from "../../gate/stage/request";
import { Pool } from "../../memory/pool";
import { RequestState } from "../../rules/request_state";

/** A request that waits in a {@link Line} until a rule admits it. Pooled. */
@unmanaged
export class Waiter {
  request: GateRequest;
  state: RequestState;
  /** Address of the line, 0 for none, and of the caller in that line. */
  line: usize;
  caller: usize;
  /** Key of the line, or of the last one. The addresses of lines are reused. */
  key: u64;
  /** Index of the rule that it waits for: see {@link Rejection}. */
  rule: i32;
  /** The last decision that it has waited for, in the order in which rules decide its messages. It does not wait
   *  again for that one and earlier ones. See {@link Charger.beginWaiting}. */
  reached: i32;
  /** The kind of limit that last did not admit it. */
  kind: i32;
  /** When it began to wait at all, and for this rule, in nanoseconds. */
  arrivedAt: u64;
  beganAt: u64;
  /** Deadline in milliseconds. */
  deadlineMs: u64;
  /** The client has cancelled it. */
  isCancelled: bool;
  /** It has lost its place in a full line and must be answered. */
  isDisplaced: bool;
  /** Addresses of the neighbours among the requests of its caller, in the order of arrival; 0 for none. */
  previous: usize;
  next: usize;
  /** Addresses of the neighbours in the order of deadlines; 0 for none. */
  sooner: usize;
  later: usize;

  static acquire(request: GateRequest, state: RequestState): Waiter {
    const self = changetype<Waiter>(pool.acquire());
    self.request = request;
    self.state = state;
    return self;
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }
}

const pool = new Pool(offsetof<Waiter>());
