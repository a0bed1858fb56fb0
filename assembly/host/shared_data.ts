/** Values that all threads of the proxy share, with compare-and-swap and without deletion. */
export abstract class SharedData {
  /** The version of the value read last, for {@link write}. */
  version: u32 = 0;

  /** Copies the value under the key (bytes) to `to`, at most `capacity` bytes. Returns the number of bytes copied; -1 where
   *  the key does not exist. */
  abstract read(key: usize, keyLength: i32, to: usize, capacity: i32): i32;

  /** Writes the value under the key unless it was written since it was read with `version`. False where it was. */
  abstract write(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool;
}
