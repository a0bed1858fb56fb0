/** Room for bytes that the test puts in. */
export function allocate(size: usize): usize {
  return heap.alloc(size);
}
