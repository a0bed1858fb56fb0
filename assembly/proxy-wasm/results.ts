/** Where the host writes its results: an address, a length and a version, or one number. */
export const results: usize = heap.alloc(16);

/** Clears the results: Envoy says Ok and leaves them alone where there is nothing to read. */
export function clearResults(): void {
  memory.fill(results, 0, 16);
}
