/** A key-value store that all threads of the proxy share. It has compare-and-swap, but no deletion. */
export abstract class SharedData {
  /** The version of the value that {@link read} read last, to pass to {@link write}. */
  version: u32 = 0;

  /** Copies the value of a key to `to`, at most `capacity` bytes. Returns the number of bytes copied; -1 if the key does not
   *  exist. */
  abstract read(key: usize, keyLength: i32, to: usize, capacity: i32): i32;

  /** Writes the value of a key if it has not changed since it was read with `version`. False if it has changed. */
  abstract write(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool;
}

/** Keeps nothing: no key exists, and what is written is lost. For a host without shared data. */
export class NoSharedData extends SharedData {
  read(_key: usize, _keyLength: i32, _to: usize, _capacity: i32): i32 {
    return -1;
  }

  write(_key: usize, _keyLength: i32, _value: usize, _length: i32, _version: u32): bool {
    return true;
  }
}
