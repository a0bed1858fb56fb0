import { IdKind } from "../jsonrpc/id";
import { Clock } from "../host/clock";
import { GateRequest } from "./stage/request";

/** Finds the errors that replace a server's responses to requests that the gate has rewritten. */
export class Rejections {
  /** The JSON text of the error that {@link find} found: `length` bytes. Valid until the next call. */
  at: usize = 0;
  length: i32 = 0;

  constructor(private clock: Clock) {}

  /** Finds the error that replaces the server's response to the request of this id, on the stream of `request`. On
   *  an HTTP+SSE stream it may be the response to a POST. For `idHash` see `jsonrpc/id.ts`. Returns false if the
   *  server's response stays as it is. */
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
