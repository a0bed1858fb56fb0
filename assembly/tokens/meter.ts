import { mix } from "../memory/bytes";
import { ESTIMATOR_SIZE, Estimator } from "./estimator";

/** Kinds of text that a message may hold at most. */
export const KIND_LIMIT: i32 = 8;
/** Bytes of a sample. */
const BLOCK: u64 = 256;
/** The length in bytes of the first strata after the head. One block of each stratum is read. Later strata are longer. */
const SHORTEST_STRATUM: u64 = 1024;
/** Strata between two doublings of their length. */
const STRATA: u64 = 16;
/** Bytes in which the end of a word is looked for, where one must be. */
const LONGEST_SEARCH: u64 = 64;
/** Bytes of a character at most (UTF-8). */
const LONGEST_CHARACTER: i64 = 4;
/** The weight, in sampled bytes, of the average cost in the whole message when the cost of one kind of text is estimated. */
const PRIOR_BYTES: f64 = 256;
/** What a byte costs where nothing was read. */
const USUAL_COST: f64 = 256;

/** What the meter does with the next bytes. */
enum Phase {
  /** Reads them: they are the beginning of the message's texts. */
  Head,
  /** Reads up to the end of a word: the head is over. */
  HeadEnd,
  /** Passes over them. */
  Skip,
  /** Passes over them up to the end of a word: there the next sample begins. */
  SampleBegin,
  /** Reads them: they are a sample. */
  Sample,
  /** Reads up to the end of a word: the sample is over. */
  SampleEnd,
}

/** What was read of texts. Costs are in 1/1024 of a token, bytes are those that carry the texts. */
@unmanaged
class Account {
  /** All bytes. */
  bytes: u64;
  /** Those of the head, and what they cost. */
  headBytes: u64;
  headCost: u64;
  /** Those sampled and what they cost, each as often as its stratum is longer than the shortest. */
  sampledBytes: u64;
  sampledCost: u64;

  add(other: Account): void {
    this.bytes += other.bytes;
    this.headBytes += other.headBytes;
    this.headCost += other.headCost;
    this.sampledBytes += other.sampledBytes;
    this.sampledCost += other.sampledCost;
  }

  clear(): void {
    memory.fill(changetype<usize>(this), 0, offsetof<Account>());
  }
}

/** Behind the meter: an account for each kind, one for all of them, one for the current text. */
const ALL: i32 = KIND_LIMIT;
const CURRENT: i32 = KIND_LIMIT + 1;
const ACCOUNTS_SIZE: usize = <usize>(KIND_LIMIT + 2) * offsetof<Account>();
/** Bytes of a {@link Meter} between two texts: of all but its estimator. */
export const METER_SIZE: usize = offsetof<Meter>() + ACCOUNTS_SIZE;

/**
 * Estimates how many tokens the texts of one message are, kind by kind. Every byte of the head is read. What follows is
 * divided into strata, and of each one block is read, from an end of a word to another: where it begins follows from the
 * content of what was read before, so that no text that repeats itself can evade it. As many words belong to blocks as
 * to other bytes, so the estimates of many messages are right on average. Which bytes are read does not depend on how the
 * texts are cut.
 *
 * Bytes are counted as they are on the wire, those of escape sequences and of white space that is no text included: what is
 * passed over is not even unescaped.
 */
@unmanaged
export class Meter {
  private phase: Phase;
  /** Bytes so far. */
  private passed: u64;
  /** Bytes at which the phase is over; of a search, from which on any character will do. */
  private until: u64;
  /** Where samples begin, where the current stratum begins, and its length. */
  private firstStratum: u64;
  private stratum: u64;
  private stratumLength: u64;
  /** Where the current block ends, and how many of its bytes are not in the account yet. */
  private blockEnd: u64;
  private blockBytes: u64;
  /** What decides on where the next block begins. */
  private seed: u64;
  /** The last byte seen while the end of a word is looked for; 0 for none. */
  private lastByte: u32;

  static create(): Meter {
    const self = changetype<Meter>(heap.alloc(METER_SIZE + ESTIMATOR_SIZE));
    self.reset(0);
    return self;
  }

  /** Ready for another message, of whose texts the first `head` bytes are read exactly. */
  reset(head: u64): void {
    memory.fill(changetype<usize>(this), 0, METER_SIZE);
    this.estimator.reset();
    this.until = head;
    if (head == 0) this.nextPhase();
  }

  /** Between two texts: writes {@link METER_SIZE} bytes to `at`, from which {@link restore} makes any meter what this one
   *  is now. */
  save(at: usize): void {
    memory.copy(at, changetype<usize>(this), METER_SIZE);
  }

  /** Continues where {@link save} was called. */
  restore(at: usize): void {
    memory.copy(changetype<usize>(this), at, METER_SIZE);
    this.estimator.reset();
  }

  /** Whether the next bytes are passed over: see {@link skip}. */
  @inline
  get isSkipping(): bool {
    return this.phase == Phase.Skip;
  }

  /** The maximum number of bytes that {@link take} or {@link skip} expects next. */
  get wanted(): usize {
    if (isSearch(this.phase)) return 1;
    return this.until > this.passed ? <usize>min<u64>(this.until - this.passed, usize.MAX_VALUE) : 0;
  }

  /** The next bytes of a text that is on the wire as it is. */
  feed(at: usize, length: usize): void {
    while (length > 0) {
      const wanted = this.wanted;
      const size = min(length, wanted);
      if (this.isSkipping) this.skip(size, size == wanted);
      else this.take(at, size, size);
      at += size;
      length -= size;
    }
  }

  /** The next text, which took `wire` bytes: no more than {@link wanted}, or no less can be read. */
  take(at: usize, length: usize, wire: usize): void {
    if (isSearch(this.phase) && (length == 0 ? this.passed >= this.until : this.isEndOfWord(load<u8>(at))))
      this.nextPhase();
    this.use(at, length, wire);
    if (isSearch(this.phase)) this.lastByte = length ? load<u8>(at + length - 1) : 0;
    else if (this.passed >= this.until) this.nextPhase();
  }

  /** `wire` bytes were passed over while {@link isSkipping}. `isOver`: they were all {@link wanted} bytes. */
  skip(wire: usize, isOver: bool): void {
    this.use(0, 0, wire);
    if (isOver) this.nextPhase();
  }

  /** The text is over; it is of this kind. */
  endText(kind: i32): void {
    this.settle();
    // The next text begins where a word ends.
    if (isSearch(this.phase)) this.nextPhase();
    const text = this.account(CURRENT);
    this.account(kind).add(text);
    this.account(ALL).add(text);
    text.clear();
  }

  /** What the texts of this kind cost, in 1/1024 of a token. */
  costOf(kind: i32): u64 {
    const own = this.account(kind);
    const others = own.bytes - own.headBytes;
    if (others == 0) return own.headCost;
    const all = this.account(ALL);
    const read = all.headBytes + all.sampledBytes;
    const prior = read ? <f64>(all.headCost + all.sampledCost) / <f64>read : USUAL_COST;
    const rate = (<f64>own.sampledCost + prior * PRIOR_BYTES) / (<f64>own.sampledBytes + PRIOR_BYTES);
    return own.headCost + <u64>(<f64>others * rate);
  }

  /** Reads bytes or passes over them. */
  private use(at: usize, length: usize, wire: usize): void {
    const phase = this.phase;
    const text = this.account(CURRENT);
    text.bytes += wire;
    this.passed += wire;
    if (phase == Phase.Skip) return;
    if (phase == Phase.SampleBegin || phase == Phase.Sample) this.blockBytes += wire;
    else if (phase != Phase.SampleEnd) text.headBytes += wire;
    if (phase != Phase.SampleBegin) this.estimator.feed(at, length);
  }

  private nextPhase(): void {
    switch (this.phase) {
      case Phase.Head:
      case Phase.Sample:
        this.search(this.phase == Phase.Head ? Phase.HeadEnd : Phase.SampleEnd);
        break;
      case Phase.Skip:
        this.blockEnd = this.passed + BLOCK;
        this.search(Phase.SampleBegin);
        break;
      case Phase.SampleBegin:
        this.phase = Phase.Sample;
        this.until = this.blockEnd;
        break;
      default:
        this.settle();
        this.chooseBlock();
    }
  }

  private search(phase: Phase): void {
    this.phase = phase;
    this.until = this.passed + LONGEST_SEARCH;
    this.lastByte = 0;
  }

  /** Whether a search is over before this byte. */
  private isEndOfWord(byte: u32): bool {
    if (isEndOfWord(this.lastByte, byte)) return true;
    const overdue = <i64>(this.passed - this.until);
    return overdue >= 0 && ((byte & 0xc0) != 0x80 || overdue >= LONGEST_CHARACTER);
  }

  /** Chooses where the next block begins: anywhere in the next stratum. */
  private chooseBlock(): void {
    if (this.stratumLength == 0) {
      this.firstStratum = this.stratum = this.passed;
      this.stratumLength = SHORTEST_STRATUM;
    } else {
      this.stratum += this.stratumLength;
      if (this.stratum - this.firstStratum >= 2 * STRATA * this.stratumLength) this.stratumLength <<= 1;
    }
    this.seed = mix(this.seed + this.stratum);
    this.phase = Phase.Skip;
    this.until = this.stratum + (this.seed & (this.stratumLength - 1));
    // A block that would overlap the one before begins behind it.
    if (this.until <= this.passed) this.nextPhase();
  }

  /** Adds what the estimator has read to what it is part of. */
  private settle(): void {
    const cost = this.estimator.finish();
    const text = this.account(CURRENT);
    if (this.phase <= Phase.HeadEnd) {
      text.headCost += cost;
    } else {
      const factor = this.stratumLength / SHORTEST_STRATUM;
      text.sampledCost += cost * factor;
      text.sampledBytes += this.blockBytes * factor;
      this.blockBytes = 0;
    }
    this.seed += cost;
  }

  private account(index: i32): Account {
    return changetype<Account>(changetype<usize>(this) + offsetof<Meter>() + index * offsetof<Account>());
  }

  private get estimator(): Estimator {
    return changetype<Estimator>(changetype<usize>(this) + METER_SIZE);
  }
}

@inline
function isSearch(phase: Phase): bool {
  return phase == Phase.HeadEnd || phase == Phase.SampleBegin || phase == Phase.SampleEnd;
}

/** Whether a piece ends between two bytes, whatever is before and behind them. */
function isEndOfWord(last: u32, byte: u32): bool {
  if (byte == 0x20 || byte == 0x0a) return isWordByte(last);
  return byte > 0x20 && byte < 0x80 && byte != 0x27 && !isWordByte(byte) && last < 0x80 && isWordByte(last);
}

/** Whether a byte is an ASCII letter or digit, or of a character beyond ASCII. */
function isWordByte(byte: u32): bool {
  return (byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10 || byte >= 0x80;
}
