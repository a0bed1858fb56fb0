import { hasCome } from "../memory/elapsed";

/** The maximum difference between the clocks of callbacks on different workers. */
const SKEW_MS: u64 = 1000;

/** Whose turn it is in a session, and since when: the time in milliseconds above the lowest bit. The lowest bit is 1 if the
 *  client has sent a request, 0 if the server has asked it for input. Of two turns, the later one is valid; at equal times,
 *  the client's request. 0: unknown. */
export type Turn = u64;

/** The turn after the client has sent a request: the server's. */
export function servers(nowMs: u64): Turn {
  return (nowMs << 1) | 1;
}

/** The turn after a response has asked the client for input: the client's. */
export function clients(nowMs: u64): Turn {
  return nowMs << 1;
}

export function isClients(turn: Turn): bool {
  return turn != 0 && (turn & 1) == 0;
}

/** The valid one of two turns. A known turn in the future, written before the clock was set back, is ignored. */
export function laterTurn(known: Turn, other: Turn, nowMs: u64): Turn {
  if (!other) return known;
  return hasCome(known, other) || !hasCome(known >> 1, nowMs + SKEW_MS) ? other : known;
}
