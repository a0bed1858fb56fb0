/** The block to which the host writes results: an address, a length and a version (32 bits each), or one number. */
export const results: usize = heap.alloc(16);

/** Clears the results. Envoy returns Ok and leaves them unchanged if there is nothing to read. */
export function clearResults(): void {
  memory.fill(results, 0, 16);
}
