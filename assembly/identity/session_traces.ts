import { neverZero } from "../memory/keyed_hash";
import { sipHash } from "../memory/siphash";
import { Bytes } from "../memory/bytes";
import { Secret } from "../store/primitives/secret";
import { SessionKey } from "./keys";

/** The hash input: the session key, and the number of the half of the trace id (1 or 2). */
const input: usize = memory.data(16);

/** Computes the trace ids of sessions. All workers compute the same ids without communication. */
export class SessionTraces {
  /** The trace id that {@link find} computed: 128 bits, neither half 0. */
  high: u64 = 0;
  low: u64 = 0;
  /** The latest session and its trace id. Each request looks its session up more than once. */
  private last: SessionKey = 0;
  private lastHigh: u64 = 0;
  private lastLow: u64 = 0;

  /** @param secret the secret of the counting unit: sessions of different units have different traces. */
  constructor(private secret: Secret) {}

  /** Computes the trace id of a session, which must not be 0. */
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
    // The second word keeps this hash distinct from the secret's hashes of 8 bytes: it is published, while those stay
    // internal.
    store<u64>(input, which, sizeof<u64>());
    return neverZero(this.secret.hash(input, 2 * sizeof<u64>()));
  }
}

/** The id of a session's root span in this trace, as all proxies of this role compute it. Never 0. */
export function rootSpanId(traceHigh: u64, traceLow: u64, role: Bytes): u64 {
  return neverZero(sipHash(traceHigh, traceLow, role.at, role.length, 2, 4));
}
