/** Calls `feed` with each chunk and with the offsets of its first byte and of the byte after it. Returns their size. */
export function feedAll(
  chunks: readonly Uint8Array[],
  feed: (chunk: Uint8Array, start: number, end: number) => void,
): number {
  let start = 0;
  for (const chunk of chunks) {
    feed(chunk, start, start + chunk.length);
    start += chunk.length;
  }
  return start;
}
