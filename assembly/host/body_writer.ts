/**
 * Edits a body of the current stream during its body callback. The editable bytes are those that the callback received,
 * after any on which the module paused earlier. All methods return false, and leave the body unchanged, if it cannot be
 * written now. A body whose length changes must not have a content-length header; otherwise the excess bytes of a longer
 * request body would be parsed as another request.
 */
export abstract class BodyWriter {
  /** Replaces the first `length` bytes (or all bytes, if there are fewer) with the `size` bytes at `at`. */
  abstract replace(length: usize, at: usize, size: usize): bool;

  /** Inserts the `size` bytes at `at` before the first byte of the body. */
  abstract prepend(at: usize, size: usize): bool;

  /** Appends the `size` bytes at `at` to the body. */
  abstract append(at: usize, size: usize): bool;
}
