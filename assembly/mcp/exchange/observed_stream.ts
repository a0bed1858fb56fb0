import { StreamKind } from "../protocol/stream_kinds";

/** What an {@link Observer} knows of the stream that it is told of. */
@unmanaged
export class ObservedStream {
  /** The address of the counting unit that the stream belongs to. */
  unit: usize;
  /** The address of the gate's request; 0 where no stage is concerned with it. */
  gated: usize;
  /** The access policy in force is not about its path. */
  isUnchecked: bool;
  /** When the request's headers came, in nanoseconds of the host's clock. */
  startedAt: u64;
  kind: StreamKind;
  /** Label indices that the observer resolves at first use, one higher; 0 until then. */
  server: i32;
  caller: i32;
  /** A hash of the server's name, once it is resolved. */
  serverHash: u64;
  /** The stream's access log has been told of a message. */
  isLogged: bool;
}
