/** Attributes of the stream being served. */
export abstract class Properties {
  /** The value found last, valid until the callback ends. */
  at: usize = 0;
  length: i32 = 0;
  /** The attribute asked for last is there, if only as an empty text; or it is not. Neither, where it is there and cannot be
   *  handed over. */
  isThere: bool = false;
  isMissing: bool = true;
  /** Looks an attribute up by its dotted `path` (`xds.cluster_name`). False where it is not there or empty. */
  abstract find(path: string): bool;
  /** The same by a path whose segments are apart by NUL, since some may hold dots. Names are ASCII. */
  abstract findSegments(path: string): bool;
}
