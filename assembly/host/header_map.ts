/**
 * The headers of one message, looked up and changed by name. Names are ASCII in lower case, at most 1024 bytes. Envoy
 * gives access to request headers in their own callback and for as long as the module pauses on them, and to response
 * headers likewise; outside of this every call returns false.
 */
export abstract class HeaderMap {
  /** The value found last, `length` bytes at `at`, valid until the callback is over. */
  at: usize = 0;
  length: i32 = 0;

  /** Looks up the value of a header. False where there is none, or the headers are not accessible now. A header of an
   *  empty value is found, with `length` 0. */
  abstract find(name: string): bool;

  /** Sets a header to `length` bytes at `value`, in place of all its values. False where the headers are not accessible
   *  now. */
  abstract replace(name: string, value: usize, length: i32): bool;

  /** Adds a value of `length` bytes at `value` to a header. False where the headers are not accessible now. */
  abstract add(name: string, value: usize, length: i32): bool;

  /** Removes a header with all its values; there may be none. False where the headers are not accessible now. */
  abstract remove(name: string): bool;
}
