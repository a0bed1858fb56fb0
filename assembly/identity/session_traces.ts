import { neverZero } from "../memory/keyed_hash";
import { sipHash } from "../memory/siphash";
import { Bytes } from "../memory/bytes";
import { Secret } from "../store/primitives/secret";
import { SessionKey } from "./keys";

/** What is hashed: the session's key, and which half of the trace's id that gives. */
const input: usize = memory.data(16);

/** Names the traces of sessions: all workers compute the same ids, without talking to each other. */
export class SessionTraces {
  /** What {@link find} found: the 128 bits of the trace's id, never 0. */
  high: u64 = 0;
  low: u64 = 0;
  /** The session that was looked up last, and its trace: each request looks it up more than once. */
  private last: SessionKey = 0;
  private lastHigh: u64 = 0;
  private lastLow: u64 = 0;

  /** @param secret of the counting unit: sessions of different units have different traces. */
  constructor(private secret: Secret) {}

  /** Finds the id of the trace of a session, which is not 0. */
  find(session: SessionKey): void {
    if (session != this.last) {
      this.last = session;
      this.lastHigh = this.half(session, 1);
      this.lastLow = this.half(session, 2);
    }
    this.high = this.lastHigh;
    this.low = this.lastLow;
  }

  private half(session: SessionKey, which: u64): u64 {
    store<u64>(input, session);
    // Published, unlike what the secret's other hashes of 8 bytes stand for.
    store<u64>(input, which, sizeof<u64>());
    return neverZero(this.secret.hash(input, 2 * sizeof<u64>()));
  }
}

/** The id of the root span of a session, as the proxies of this role name it, in the trace of this id. */
export function rootSpanId(traceHigh: u64, traceLow: u64, role: Bytes): u64 {
  return neverZero(sipHash(traceHigh, traceLow, role.at, role.length, 2, 4));
}
