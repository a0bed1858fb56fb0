/** Selects the stream to which host calls apply, and resumes streams that a callback has paused. */
export abstract class StreamControl {
  /** Makes a stream or a plugin instance current: host calls apply to it until the callback ends or this method is called
   *  again. False if the id does not exist; then the previous one stays current. */
  abstract makeCurrent(id: u32): bool;

  /** Resumes the current stream's paused request when the callback ends. False if the host refuses. */
  abstract continueRequest(): bool;

  /** Resumes the current stream's paused response when the callback ends. False if the host refuses. */
  abstract continueResponse(): bool;

  /** Ends a closed plugin instance that has finished its remaining work. Must be called in a callback of the instance. */
  abstract endInstance(): void;
}

/** Controls nothing. For a host that neither selects nor resumes streams. */
export class NoStreamControl extends StreamControl {
  makeCurrent(_id: u32): bool {
    return false;
  }

  continueRequest(): bool {
    return false;
  }

  continueResponse(): bool {
    return false;
  }

  endInstance(): void {}
}
