import { ESTIMATOR_SIZE, Estimator } from "./estimator";

/** Kinds of text that a message may hold at most. */
export const KIND_LIMIT: i32 = 8;
/** Beyond the bound, of each period so many bytes are read. */
const PERIOD: u64 = 65536;
const SAMPLE: u64 = 4096;

/** What was read of texts. Costs are in 1/1024 of a token. */
@unmanaged
class Account {
  cost: u64;
  /** Bytes that were passed over. */
  skipped: u64;
  /** What was read beyond the bound: bytes, and what of `cost` they are. */
  sampledBytes: u64;
  sampledCost: u64;

  add(other: Account): void {
    this.cost += other.cost;
    this.skipped += other.skipped;
    this.sampledBytes += other.sampledBytes;
    this.sampledCost += other.sampledCost;
  }

  clear(): void {
    memory.fill(changetype<usize>(this), 0, offsetof<Account>());
  }
}

/** Behind the meter: an account for each kind, one for all of them, one for the current text. */
const ALL: i32 = KIND_LIMIT;
const IN_HAND: i32 = KIND_LIMIT + 1;
const ACCOUNTS_SIZE: usize = <usize>(KIND_LIMIT + 2) * offsetof<Account>();
/** Bytes of a {@link Meter} and of its parts behind it. */
export const METER_SIZE: usize = offsetof<Meter>() + ACCOUNTS_SIZE + ESTIMATOR_SIZE;

/**
 * Estimates how many tokens the texts of one message are, kind by kind. Up to a bound every byte of them is read; beyond
 * it the first 4 KiB of every 64 KiB, and what lies between is taken to be like these. Which bytes are read depends on
 * the texts alone, not on how they are cut.
 */
@unmanaged
export class Meter {
  /** Bytes of text read exactly. */
  private bound: u64;
  /** Bytes of text so far. */
  private passed: u64;

  static create(): Meter {
    const self = changetype<Meter>(heap.alloc(METER_SIZE));
    self.reset(0);
    return self;
  }

  /** Ready for another message, of which `bound` bytes of text are read exactly. */
  reset(bound: u64): void {
    memory.fill(changetype<usize>(this), 0, offsetof<Meter>() + ACCOUNTS_SIZE);
    this.estimator.reset();
    this.bound = bound;
  }

  /** Writes {@link METER_SIZE} bytes to `at`, from which {@link restore} makes any meter what this one is now. */
  save(at: usize): void {
    memory.copy(at, changetype<usize>(this), METER_SIZE);
  }

  /** Continues where {@link save} was called. */
  restore(at: usize): void {
    memory.copy(changetype<usize>(this), at, METER_SIZE);
  }

  /** The next bytes of a text. */
  feed(at: usize, length: usize): void {
    while (length > 0) {
      const size = this.passed < this.bound ? this.read(at, length, this.bound - this.passed) : this.sample(at, length);
      this.passed += size;
      at += size;
      length -= size;
    }
  }

  /** The text is over; it is of this kind. */
  endText(kind: i32): void {
    this.settle();
    const text = this.account(IN_HAND);
    this.account(kind).add(text);
    this.account(ALL).add(text);
    text.clear();
  }

  /** What the texts of this kind cost, in 1/1024 of a token. */
  costOf(kind: i32): u64 {
    const own = this.account(kind);
    if (own.skipped == 0) return own.cost;
    // Texts of other kinds tell more than none.
    const like = own.sampledBytes ? own : this.account(ALL);
    return own.cost + <u64>(<f64>own.skipped * (<f64>like.sampledCost / <f64>like.sampledBytes));
  }

  /** Reads up to `most` bytes. Returns how many. */
  private read(at: usize, length: usize, most: u64): usize {
    const size = <usize>min<u64>(length, most);
    this.estimator.feed(at, size);
    return size;
  }

  /** Reads or passes over bytes beyond the bound, up to where that changes. Returns how many. */
  private sample(at: usize, length: usize): usize {
    const offset = (this.passed - this.bound) % PERIOD;
    if (offset == 0) this.settle();
    const text = this.account(IN_HAND);
    if (offset < SAMPLE) {
      const size = this.read(at, length, SAMPLE - offset);
      text.sampledBytes += size;
      return size;
    }
    const size = <usize>min<u64>(length, PERIOD - offset);
    text.skipped += size;
    return size;
  }

  /** Adds what the estimator has read: to what is sampled, too, if it lies beyond the bound. */
  private settle(): void {
    const cost = this.estimator.finish();
    const text = this.account(IN_HAND);
    text.cost += cost;
    if (this.passed > this.bound) text.sampledCost += cost;
  }

  private account(index: i32): Account {
    return changetype<Account>(changetype<usize>(this) + offsetof<Meter>() + index * offsetof<Account>());
  }

  private get estimator(): Estimator {
    return changetype<Estimator>(changetype<usize>(this) + offsetof<Meter>() + ACCOUNTS_SIZE);
  }
}
