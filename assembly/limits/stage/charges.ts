import { LimitKind } from "../rules/limit_rule";

/** A rule's charge for a message. */
@unmanaged
export class Charge {
  kind: LimitKind;
  /** Index of the rule, and index of the message in its request. */
  rule: i32;
  message: i32;
  /** For requests and repeats: the id of the allowance. Otherwise: the key. */
  key: u64;
  owner: u64;
}

const SIZE: usize = (offsetof<Charge>() + 7) & ~7;
const FIRST_CAPACITY: usize = 64;

/** The charges for the messages of the current request, in order. */
export class Charges {
  length: i32 = 0;
  private at: usize = 0;
  private capacity: usize = 0;

  clear(): void {
    this.length = 0;
  }

  get(index: i32): Charge {
    return changetype<Charge>(this.at + <usize>index * SIZE);
  }

  add(kind: LimitKind, rule: i32, message: i32, key: u64, owner: u64): void {
    if (<usize>this.length == this.capacity) this.grow();
    const charge = this.get(this.length++);
    charge.kind = kind;
    charge.rule = rule;
    charge.message = message;
    charge.key = key;
    charge.owner = owner;
  }

  private grow(): void {
    const capacity = this.capacity ? this.capacity * 2 : FIRST_CAPACITY;
    const larger = heap.alloc(capacity * SIZE);
    if (this.at) {
      memory.copy(larger, this.at, this.capacity * SIZE);
      heap.free(this.at);
    }
    this.at = larger;
    this.capacity = capacity;
  }
}
