import { Operation } from "../state/operation";
import { STREAM_SIZE, Stream } from "../state/stream";

const stream = changetype<Stream>(heap.alloc(STREAM_SIZE));

/** A substitute for the stream of an operation that ends after its stream, with the same server and caller. Valid until the
 *  next call. */
export function outlivedStream(operation: Operation): Stream {
  memory.fill(changetype<usize>(stream), 0, STREAM_SIZE);
  stream.server = operation.server;
  stream.namedCaller = operation.caller;
  stream.isCallerResolved = true;
  stream.isCallerNamed = true;
  return stream;
}
