/** Attributes of the current stream. */
export abstract class Properties {
  /** The value found last, `length` bytes at `at`, valid until the callback is over. */
  at: usize = 0;
  length: i32 = 0;
  /** Whether the attribute looked up last exists (its value may be empty), and whether it does not. Both are false where it
   *  exists and the host cannot return its value. */
  isThere: bool = false;
  isMissing: bool = true;
  /** Looks up an attribute by its dotted `path` (`xds.cluster_name`). False where it does not exist or is empty. */
  abstract find(path: string): bool;
  /** Looks up an attribute by a path (ASCII) whose segments are separated by NUL and may contain dots. False where it does
   *  not exist or is empty. */
  abstract findSegments(path: string): bool;
}
