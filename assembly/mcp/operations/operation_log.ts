import { Method } from "../protocol/methods";
import { ObservedStream } from "../exchange/observed_stream";
import { Operation } from "./operation";

/** Is told what is to be kept of a stream's messages beside its access log. */
export abstract class OperationLog {
  /** A request came whose answer is to come on another stream. */
  abstract requested(stream: ObservedStream, operation: Operation, isModern: bool): void;
  /** An operation ended on its own stream. `now` in nanoseconds. */
  abstract ended(stream: ObservedStream, operation: Operation, isModern: bool, now: u64): void;
  /** A notification passed, in a session of this hash, 0 for none. */
  abstract notified(stream: ObservedStream, method: Method, session: u64, isModern: bool): void;
}
