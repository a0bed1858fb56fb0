import { Body } from "../../host/body";
import { BodyWriter } from "../../host/body_writer";
import { Rewrites } from "./rewrites";

/** Changes the body of a held request in the proxy's buffer. */
export class BodyRewriter {
  constructor(
    private body: Body,
    private writer: BodyWriter,
  ) {}

  /** Applies changes to the body of the current stream's request, all `size` bytes of which are in the buffer. The
   *  size must not change: the bytes of a body that is longer than its headers say would be read as another request.
   *  Returns false if the body cannot be written; then the request must not go on. */
  apply(rewrites: Rewrites, size: usize): bool {
    const length = rewrites.reach(size);
    if (!length) return true;
    // A proxy can replace only the beginning of a body, so everything up to the last change is written.
    const copy = heap.alloc(length);
    const isWritten = this.read(copy, length, size) && this.write(rewrites, copy, length);
    heap.free(copy);
    return isWritten;
  }

  /** Copies the first `length` bytes of the body. Returns false if the host does not provide them. */
  private read(copy: usize, length: usize, size: usize): bool {
    const body = this.body;
    let copied: usize = 0;
    body.begin(size);
    while (copied < length && body.next()) {
      const part = min(body.length, length - copied);
      memory.copy(copy + copied, body.at, part);
      copied += part;
    }
    return copied == length;
  }

  private write(rewrites: Rewrites, copy: usize, length: usize): bool {
    rewrites.apply(copy, length);
    return this.writer.replace(length, copy, length);
  }
}
