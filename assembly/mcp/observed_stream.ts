import { StreamKind } from "./stream_kinds";

/** What an {@link Observer} knows of the stream that it is told of. */
@unmanaged
export class ObservedStream {
  /** When the request's headers came, in nanoseconds of the host's clock. */
  startedAt: u64;
  kind: StreamKind;
  /** Label indices that the observer resolves at first use; 0 until then. */
  server: i32;
  caller: i32;
}
