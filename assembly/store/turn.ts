import { hasCome } from "../memory/elapsed";

/** What the clocks of two callbacks, on different workers, may differ by. */
const SKEW_MS: u64 = 1000;

/** Whose turn it is in a session and since when: milliseconds, and in the lowest bit 1 where the client has sent a request, 0 where
 *  the server has asked it for input. Of two, the later one holds, and of one time the client's request. 0: neither. */
export type Turn = u64;

/** The client has sent a request. */
export function servers(nowMs: u64): Turn {
  return (nowMs << 1) | 1;
}

/** An answer asked the client for input. */
export function clients(nowMs: u64): Turn {
  return nowMs << 1;
}

export function isClients(turn: Turn): bool {
  return turn != 0 && (turn & 1) == 0;
}

/** Which one of two holds. A known one of a time that is still to come, of before the clock was set back, does not. */
export function laterTurn(known: Turn, other: Turn, nowMs: u64): Turn {
  if (!other) return known;
  return hasCome(known, other) || !hasCome(known >> 1, nowMs + SKEW_MS) ? other : known;
}
