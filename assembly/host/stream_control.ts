/** Chooses the stream that host calls refer to, and continues streams that a callback has paused. */
export abstract class StreamControl {
  /** Makes a stream or a plugin instance current: host calls refer to it until the callback is over or another one is made
   *  current. False where none of this id exists: then the previous one stays current. */
  abstract makeCurrent(id: u32): bool;

  /** Continues the current stream's request, which a callback has paused, once the callback is over. False where the host
   *  refuses. */
  abstract continueRequest(): bool;

  /** Continues the current stream's response, which a callback has paused, once the callback is over. False where the host
   *  refuses. */
  abstract continueResponse(): bool;
}
