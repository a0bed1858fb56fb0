/**
 * The headers of a message that the proxy sends for the module, serialized once for any number of messages. The layout is
 * the number of headers, then the lengths of each name and value (each number 32 bits, little-endian), then each name and
 * value followed by a NUL.
 */
export class HeaderBlock {
  readonly block: StaticArray<u8>;

  /** @param pairs alternating names (in lower case) and values. */
  constructor(private pairs: string[]) {
    let size = sizeof<u32>() + pairs.length * (sizeof<u32>() + 1);
    for (let i = 0; i < pairs.length; i++) size += String.UTF8.byteLength(pairs[i]);
    const block = new StaticArray<u8>(<i32>size);
    this.block = block;
    const start = changetype<usize>(block);
    store<u32>(start, pairs.length / 2);
    let at = start + sizeof<u32>() + pairs.length * sizeof<u32>();
    for (let i = 0; i < pairs.length; i++) {
      const text = pairs[i];
      const length = <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at);
      store<u32>(start + (i + 1) * sizeof<u32>(), length);
      at += length + 1;
    }
  }

  /** These headers and further ones: alternating names (in lower case) and values. */
  and(pairs: string[]): HeaderBlock {
    return new HeaderBlock(this.pairs.concat(pairs));
  }

  /** The address of the block. */
  get at(): usize {
    return changetype<usize>(this.block);
  }

  /** The length of the block in bytes. */
  get length(): i32 {
    return this.block.length;
  }
}
