import { Turn } from "./turn";

/** A worker's observations of a session since it last wrote them to the store. */
@unmanaged
export class SessionNews {
  /** The estimated tokens of messages. */
  tokens: u64;
  /** The time of the latest activity; 0 if there was none. */
  activeAtMs: u64;
  turn: Turn;
  /** The number of operations that have ended. */
  operations: u32;
  /** Whether the worker has open operations with the server, and whether it has requests that wait for limits. */
  calls: bool;
  waits: bool;
  /** The values of `calls` and `waits` that this worker last wrote to the store. */
  hasCalled: bool;
  hasWaited: bool;
  /** Whether a span of the session was kept although its trace is not sampled. */
  isTraced: bool;
}

export const SESSION_NEWS_SIZE: usize = (offsetof<SessionNews>() + 7) & ~7;
