/**
 * Headers of a message that the proxy sends for the module, serialized once and sent any number of times. The layout:
 * the number of headers, the lengths of each name and value (32 bits each, little-endian), then each name and value with
 * a NUL after it.
 */
export class HeaderBlock {
  readonly block: StaticArray<u8>;

  /** @param pairs names and values in turn; names in lower case. */
  constructor(pairs: string[]) {
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

  /** The address of the block. */
  get at(): usize {
    return changetype<usize>(this.block);
  }

  /** The bytes of the block. */
  get length(): i32 {
    return this.block.length;
  }
}
