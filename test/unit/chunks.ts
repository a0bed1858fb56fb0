import fc from "fast-check";

/** Sizes of chunks, repeated until the bytes are used up. Some chunks are empty, but not all. */
export const chunkSizes: fc.Arbitrary<number[]> = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 6 }))
  .map(([first, others]) => [first, ...others]);

/** The bytes cut into chunks of these sizes. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = Math.min(bytes.length, at + sizes[i % sizes.length]);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

/** The bytes one by one. */
export function single(bytes: Uint8Array): Uint8Array[] {
  return cut(bytes, [1]);
}

/** Every way to cut the bytes in two. */
export function* halves(bytes: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
}
