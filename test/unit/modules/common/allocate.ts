/** Allocates memory for bytes of the test. */
export function allocate(size: usize): usize {
  return heap.alloc(size);
}
