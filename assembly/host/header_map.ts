/**
 * The headers of one message, looked up and changed by name. Names are ASCII in lower case, at most 1024 bytes. Envoy gives
 * access to headers only during their own callback and while the module pauses on them; at any other time every method
 * returns false.
 */
export abstract class HeaderMap {
  /** The latest value found: `length` bytes at `at`, valid until the callback ends. */
  at: usize = 0;
  length: i32 = 0;

  /** Looks up the value of a header. False if it does not exist, or if the headers are not accessible now. A header with an
   *  empty value is found, with `length` 0. */
  abstract find(name: string): bool;

  /** Sets a header to the `length` bytes at `value`, replacing all its values. False if the headers are not accessible now. */
  abstract replace(name: string, value: usize, length: i32): bool;

  /** Adds a value, `length` bytes at `value`, to a header. False if the headers are not accessible now. */
  abstract add(name: string, value: usize, length: i32): bool;

  /** Removes all values of a header, if there are any. False if the headers are not accessible now. */
  abstract remove(name: string): bool;
}
