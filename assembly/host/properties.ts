/** Attributes of the current stream. */
export abstract class Properties {
  /** The latest value found: `length` bytes at `at`, valid until the callback ends. */
  at: usize = 0;
  length: i32 = 0;
  /** Whether the latest lookup found the attribute (its value may be empty), and whether the attribute does not exist. Both
   *  are false if the attribute exists but the host cannot return its value. */
  isThere: bool = false;
  isMissing: bool = true;
  /** Looks up an attribute by its dotted `path` (`xds.cluster_name`). False if it does not exist or is empty. */
  abstract find(path: string): bool;
  /** Looks up an attribute by a path (ASCII) whose segments are separated by NUL and may contain dots. False if it does not
   *  exist or is empty. */
  abstract findSegments(path: string): bool;
}

/** Finds nothing. For a host without attributes. */
export class NoProperties extends Properties {
  find(_path: string): bool {
    return false;
  }

  findSegments(_path: string): bool {
    return false;
  }
}
