import { LimitDecision } from "../../mcp/protocol/limit_decision";

/** A decision is packed: the index of the rule, the {@link LimitDecision}, and whether a shared allowance was used. */
const DECISION_SHIFT: i32 = 8;
const SHARED: i32 = 1 << 16;

/** The decisions of rules about the messages of one request, in order. */
export class Decisions {
  length: i32 = 0;
  private packed: StaticArray<i32> = new StaticArray<i32>(64);

  clear(): void {
    this.length = 0;
  }

  add(rule: i32, decision: LimitDecision, isShared: bool): void {
    if (this.length == this.packed.length) {
      const larger = new StaticArray<i32>(2 * this.length);
      memory.copy(changetype<usize>(larger), changetype<usize>(this.packed), this.length * sizeof<i32>());
      this.packed = larger;
    }
    this.packed[this.length++] = rule | ((<i32>decision) << DECISION_SHIFT) | (isShared ? SHARED : 0);
  }

  rule(index: i32): i32 {
    return this.packed[index] & 0xff;
  }

  decision(index: i32): LimitDecision {
    return (this.packed[index] >> DECISION_SHIFT) & 0xff;
  }

  isShared(index: i32): bool {
    return (this.packed[index] & SHARED) != 0;
  }
}
