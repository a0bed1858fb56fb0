/** Returns the value that would be at index `n` if `values` were sorted. Reorders `values`. Linear on average; sorting tens
 *  of thousands of values would block a worker. */
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
    // Values up to j are at most the pivot, values from i on are at least the pivot, and values between j and i equal it.
    if (n <= j) high = j;
    else if (n >= i) low = i;
    else break;
  }
  return values[n];
}
