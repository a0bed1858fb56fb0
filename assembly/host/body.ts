/** The buffered bytes of the current stream's body, read in slices. */
export abstract class Body {
  /** Bytes read since {@link begin}. */
  total: usize = 0;

  /** The address of the current slice, valid until the next one. */
  abstract get at(): usize;

  /** Bytes of the current slice. */
  abstract get length(): usize;

  /** Begins to read, again or for the first time. The buffer has `size` bytes. */
  abstract begin(size: usize): void;

  /** Reads the next slice. False where there is none, or the host does not hand it over. */
  abstract next(): bool;
}
