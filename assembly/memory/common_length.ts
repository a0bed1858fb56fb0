/** The number of leading bytes that are equal in two blocks of `length` bytes. */
export function commonLength(one: usize, other: usize, length: usize): usize {
  let i: usize = 0;
  for (; i + 64 <= length; i += 64) {
    const first = v128.or(differences(one + i, other + i), differences(one + i + 16, other + i + 16));
    const second = v128.or(differences(one + i + 32, other + i + 32), differences(one + i + 48, other + i + 48));
    if (v128.any_true(v128.or(first, second))) break;
  }
  for (; i + 16 <= length; i += 16) {
    const different = i8x16.bitmask(i8x16.ne(v128.load(one + i), v128.load(other + i)));
    if (different) return i + ctz(different);
  }
  while (i < length && load<u8>(one + i) == load<u8>(other + i)) i++;
  return i;
}

@inline
function differences(one: usize, other: usize): v128 {
  return v128.xor(v128.load(one), v128.load(other));
}
