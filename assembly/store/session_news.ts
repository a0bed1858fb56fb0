import { Turn } from "./turn";

/** What a worker has seen of a session since it last wrote that to the store. */
@unmanaged
export class SessionNews {
  /** Estimated tokens of messages. */
  tokens: u64;
  /** When something happened in it last; 0 where nothing did. */
  activeAtMs: u64;
  /** The latest turn. */
  turn: Turn;
  /** Operations that have ended. */
  operations: u32;
  /** The worker has operations open with the server, and requests that wait for limits. */
  calls: bool;
  waits: bool;
  /** The same as the store has it of this worker. */
  hasCalled: bool;
  hasWaited: bool;
  /** A span of it has been kept though its trace is not sampled. */
  isTraced: bool;
}

export const SESSION_NEWS_SIZE: usize = (offsetof<SessionNews>() + 7) & ~7;
