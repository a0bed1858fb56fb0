/** Number of bits in one half of a {@link RuleSet}. */
const HALF: i32 = 64;

/** A set of rules of a policy, by their indices, which are below 128. */
export class RuleSet {
  private low: u64 = 0;
  private high: u64 = 0;

  get isEmpty(): bool {
    return (this.low | this.high) == 0;
  }

  add(index: i32): void {
    if (index < HALF) this.low |= (<u64>1) << index;
    else this.high |= (<u64>1) << (index - HALF);
  }

  /** Becomes a copy of the other set. */
  copy(other: RuleSet): void {
    this.low = other.low;
    this.high = other.high;
  }

  /** Removes the rules that are not in the other set. */
  intersect(other: RuleSet): void {
    this.low &= other.low;
    this.high &= other.high;
  }

  /** The lowest index in the set that is at least `from`; -1 if there is none. */
  next(from: i32): i32 {
    if (from < HALF) {
      const bits = this.low >> from;
      if (bits) return from + <i32>ctz(bits);
      from = HALF;
    }
    const bits = from < 2 * HALF ? this.high >> (from - HALF) : 0;
    return bits ? from + <i32>ctz(bits) : -1;
  }
}
