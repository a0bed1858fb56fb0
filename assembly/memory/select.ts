/** The value that would be at index `n` if the values were sorted; it reorders them. Linear on average, where sorting tens
 *  of thousands of values would hold up a worker. */
export function nthSmallest(values: StaticArray<u64>, n: i32): u64 {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[low + (high - low) / 2];
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const value = values[i];
      values[i++] = values[j];
      values[j--] = value;
    }
    // Now all up to j are at most the pivot, all from i on at least, and what is between equals it.
    if (n <= j) high = j;
    else if (n >= i) low = i;
    else break;
  }
  return values[n];
}
