import { Table } from "../../memory/table";

/** Tools that are counted at one time. */
const CAPACITY: i32 = 1024;
/** A tool that was answered as often has a class of its own. */
const OFTEN: u64 = 20;
/** So does one that was slow as often, and more often than not. */
const SLOW_OFTEN: u64 = 2;
const SLOW_SHIFT: u64 = 32;
const COUNT_MASK: u64 = 0xffffffff;

/** The answers of tools that have no class of their own. */
export class SeldomTools {
  /** By class key: how many answers there were, and in the upper half how many of them were slow. */
  private answers: Table = new Table(64);

  /** Counts an answer of a tool. Returns whether it shall have a class of its own from now on. */
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
