import { IdKind } from "../jsonrpc/id";
import { Clock } from "../host/clock";
import { GateRequest } from "./stage/request";

/** Finds the errors that replace those by which servers answer what the gate has rewritten. */
export class Rejections {
  /** The JSON text of the error that {@link find} has found, `length` bytes. Valid until the next call. */
  at: usize = 0;
  length: i32 = 0;

  constructor(private clock: Clock) {}

  /** Whether the answer to the request of this id, on the stream of `request`, is to have another error than the server's. On a
   *  stream of HTTP+SSE it may be the answer to a POST. `idHash`: see `jsonrpc/id.ts`. */
  find(request: GateRequest, kind: IdKind, idHash: u64): bool {
    const own = request.rejected(kind, idHash);
    if (own) {
      this.at = own.error;
      this.length = own.length;
      return own.length > 0;
    }
    const stream = request.exchange.stream;
    if (!stream.session.isHttpSse || !stream.session.id) return false;
    const errors = request.services.rejections;
    if (!errors.find(request.services.sessions.keyOf(stream), idHash, this.clock.milliseconds)) return false;
    this.at = errors.at;
    this.length = errors.length;
    return true;
  }
}
