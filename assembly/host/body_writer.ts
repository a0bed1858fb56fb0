/**
 * Changes a body of the current stream during its body callback: the bytes that the callback received, with those before
 * that the module paused on. All calls return false where the body cannot be written now; then it is unchanged. A body
 * whose length changes must not have a content-length header: a longer request body would be read as a further request.
 */
export abstract class BodyWriter {
  /** Replaces the first `length` bytes, or all of them if there are fewer, by `size` bytes at `at`. */
  abstract replace(length: usize, at: usize, size: usize): bool;

  /** Inserts `size` bytes at `at` before the first byte. */
  abstract prepend(at: usize, size: usize): bool;

  /** Adds `size` bytes at `at` after the last byte. */
  abstract append(at: usize, size: usize): bool;
}
