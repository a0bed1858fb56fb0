/** The buffered body of the current stream, read in slices. */
export abstract class Body {
  /** The number of bytes read since {@link begin}. */
  total: usize = 0;

  /** The address of the current slice, valid until the next one. */
  abstract get at(): usize;

  /** The length of the current slice in bytes. */
  abstract get length(): usize;

  /** Starts reading the buffer of `size` bytes at its first byte. */
  abstract begin(size: usize): void;

  /** Reads the next slice. False if there is none, or if the host does not return it. */
  abstract next(): bool;
}
