/** Attributes of the stream being served. */
export abstract class Properties {
  /** The value found last, valid until the callback ends. */
  at: usize = 0;
  length: i32 = 0;
  /** Looks an attribute up by its dotted `path` (`xds.cluster_name`). False where it is not there or empty. */
  abstract find(path: string): bool;
}
