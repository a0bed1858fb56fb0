/** Values under keys that all threads of the proxy see, with compare-and-swap and no deletion. */
export abstract class SharedData {
  /** The version of the value read last, for {@link write}. */
  version: u32 = 0;

  /** Copies the value under the key (bytes) to `to`: its length, at most `capacity`; -1 where there is none. */
  abstract read(key: usize, keyLength: i32, to: usize, capacity: i32): i32;

  /** Puts a value under the key if nobody has written it since it was read with `version`. False where somebody has. */
  abstract write(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool;
}
