import { Table } from "../../memory/table";

/** Maximum number of tools that are counted at one time. */
const CAPACITY: i32 = 1024;
/** Number of answers after which a tool gets its own class. */
const OFTEN: u64 = 20;
/** Number of slow answers after which a tool gets its own class, if they are the majority. */
const SLOW_OFTEN: u64 = 2;
const SLOW_SHIFT: u64 = 32;
const COUNT_MASK: u64 = 0xffffffff;

/** Counts the answers of tools without a class of their own. */
export class SeldomTools {
  /** Number of answers by class key; the upper 32 bits count the slow ones. */
  private answers: Table = new Table(64);

  /** Counts an answer of a tool. Returns whether the tool gets its own class now. */
  add(key: u64, isSlow: bool): bool {
    if (this.answers.size >= CAPACITY && !this.answers.get(key)) this.answers = new Table(64);
    const answers = this.answers.get(key) + 1 + (isSlow ? (<u64>1) << SLOW_SHIFT : 0);
    const count = answers & COUNT_MASK;
    const slow = answers >> SLOW_SHIFT;
    if (count < OFTEN && (slow < SLOW_OFTEN || slow * 2 <= count)) {
      this.answers.set(key, answers);
      return false;
    }
    this.answers.delete(key);
    return true;
  }
}
