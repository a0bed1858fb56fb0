import { mix } from "../memory/bytes";
import { ESTIMATOR_SIZE, Estimator } from "./estimator";

/** The maximum number of kinds of text in a message. */
export const KIND_LIMIT: i32 = 8;
/** The size of a sampled block in bytes. */
const BLOCK: u64 = 256;
/** The length in bytes of the first strata after the head. One block of each stratum is read. Later strata are longer. */
const MIN_STRATUM: u64 = 1024;
/** The number of strata between two doublings of their length. The first doubling comes after twice as many. */
const STRATA: u64 = 16;
/** The number of bytes within which the end of a word is searched. After them, the next character counts as one. */
const MAX_SEARCH_BYTES: u64 = 64;
/** The maximum number of bytes in a character (UTF-8). */
const MAX_CHARACTER_BYTES: i64 = 4;
/** The weight, in sampled bytes, of the average cost in the whole message when the cost of one kind of text is estimated. */
const PRIOR_BYTES: f64 = 256;
/** The cost of a byte in 1/1024 of a token if nothing was read. */
const USUAL_COST: f64 = 256;

/** How the meter handles the next bytes. */
enum Phase {
  /** Reads the beginning of the message's texts. */
  Head,
  /** Reads up to the end of a word, where the head ends. */
  HeadEnd,
  /** Skips bytes between samples. */
  Skip,
  /** Skips bytes up to the end of a word, where the next sample begins. */
  SampleBegin,
  /** Reads a sample. */
  Sample,
  /** Reads up to the end of a word, where the sample ends. */
  SampleEnd,
}

/** Totals of texts. Costs are in 1/1024 of a token. Bytes are counted as they are on the wire. */
@unmanaged
class Account {
  /** All bytes of the texts. */
  bytes: u64;
  /** The bytes of the head, and their cost. */
  headBytes: u64;
  headCost: u64;
  /** The sampled bytes and their cost, both multiplied by the ratio of their stratum's length to {@link MIN_STRATUM}. */
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

/** The accounts that follow the meter in memory: one for each kind, one for all kinds, one for the current text. */
const ALL: i32 = KIND_LIMIT;
const CURRENT: i32 = KIND_LIMIT + 1;
const ACCOUNTS_SIZE: usize = <usize>(KIND_LIMIT + 2) * offsetof<Account>();
/** The size in bytes of a {@link Meter} without its estimator: its complete state between two texts. */
export const METER_SIZE: usize = offsetof<Meter>() + ACCOUNTS_SIZE;

/**
 * Estimates the number of tokens of one message's texts, by kind. Every byte of the head is read. The rest is divided into
 * strata, and one block of each stratum is read, from the end of one word to the end of another. The position of a block
 * depends on the content that was read before, so that a repetitive text cannot evade sampling. Blocks contain as many words
 * per byte as the skipped bytes, so the estimates of many messages are right on average. Which bytes are read does not
 * depend on how the texts are cut.
 *
 * Bytes are counted as they are on the wire, including escape sequences and white space that is not text, because the escape
 * sequences of skipped bytes are not decoded.
 */
@unmanaged
export class Meter {
  private phase: Phase;
  /** The number of bytes so far. */
  private passed: u64;
  /** The number of bytes at which the phase ends. In a search, the number from which on any character ends it. */
  private until: u64;
  /** The offsets at which the first and the current stratum begin, and the length of the current one. */
  private firstStratum: u64;
  private stratum: u64;
  private stratumLength: u64;
  /** The offset at which the current block ends, and the number of its bytes that are not in an account yet. */
  private blockEnd: u64;
  private blockBytes: u64;
  /** Determines where the next block begins. Depends on the costs so far. */
  private seed: u64;
  /** The last byte of the search for the end of a word; 0 for none. */
  private lastByte: u32;

  static create(): Meter {
    const self = changetype<Meter>(heap.alloc(METER_SIZE + ESTIMATOR_SIZE));
    self.reset(0);
    return self;
  }

  /** Prepares for another message. The first `head` bytes of its texts are read completely. */
  reset(head: u64): void {
    memory.fill(changetype<usize>(this), 0, METER_SIZE);
    this.estimator.reset();
    this.until = head;
    if (head == 0) this.nextPhase();
  }

  /** Writes the state, {@link METER_SIZE} bytes, to `at` for {@link restore}. Call only between two texts. */
  save(at: usize): void {
    memory.copy(at, changetype<usize>(this), METER_SIZE);
  }

  /** Restores the state that {@link save} wrote, perhaps from another meter. */
  restore(at: usize): void {
    memory.copy(changetype<usize>(this), at, METER_SIZE);
    this.estimator.reset();
  }

  /** Whether the next bytes must be passed to {@link skip} instead of {@link read}. */
  @inline
  get isSkipping(): bool {
    return this.phase == Phase.Skip;
  }

  /** The maximum number of bytes that {@link read} or {@link skip} expects next. */
  get wanted(): usize {
    if (isSearch(this.phase)) return 1;
    return this.until > this.passed ? <usize>min<u64>(this.until - this.passed, usize.MAX_VALUE) : 0;
  }

  /** Reads or skips the next bytes of a text that has the same form on the wire. */
  feed(at: usize, length: usize): void {
    while (length > 0) {
      const wanted = this.wanted;
      const size = min(length, wanted);
      if (this.isSkipping) this.skip(size, size == wanted);
      else this.read(at, size, size);
      at += size;
      length -= size;
    }
  }

  /** Reads the next part of a text, which has `wireBytes` bytes on the wire: at most {@link wanted}, or the bytes of one indivisible
   *  character. */
  read(at: usize, length: usize, wireBytes: usize): void {
    if (isSearch(this.phase) && (length == 0 ? this.passed >= this.until : this.isEndOfWord(load<u8>(at))))
      this.nextPhase();
    this.use(at, length, wireBytes);
    if (isSearch(this.phase)) this.lastByte = length ? load<u8>(at + length - 1) : 0;
    else if (this.passed >= this.until) this.nextPhase();
  }

  /** Counts `wireBytes` bytes that were skipped while {@link isSkipping}. `isOver` says whether they were all {@link wanted} bytes. */
  skip(wireBytes: usize, isOver: bool): void {
    this.use(0, 0, wireBytes);
    if (isOver) this.nextPhase();
  }

  /** Ends the text, and adds it to this kind. */
  endText(kind: i32): void {
    this.settle();
    // The end of a text is the end of a word.
    if (isSearch(this.phase)) this.nextPhase();
    const text = this.account(CURRENT);
    this.account(kind).add(text);
    this.account(ALL).add(text);
    text.clear();
  }

  /** The estimated cost of this kind's texts, in 1/1024 of a token. */
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

  /** Counts bytes, and reads them unless the phase skips them. */
  private use(at: usize, length: usize, wireBytes: usize): void {
    const phase = this.phase;
    const text = this.account(CURRENT);
    text.bytes += wireBytes;
    this.passed += wireBytes;
    if (phase == Phase.Skip) return;
    if (phase == Phase.SampleBegin || phase == Phase.Sample) this.blockBytes += wireBytes;
    else if (phase != Phase.SampleEnd) text.headBytes += wireBytes;
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
    this.until = this.passed + MAX_SEARCH_BYTES;
    this.lastByte = 0;
  }

  /** Whether a search ends before this byte. */
  private isEndOfWord(byte: u32): bool {
    if (isEndOfWord(this.lastByte, byte)) return true;
    const overdue = <i64>(this.passed - this.until);
    return overdue >= 0 && ((byte & 0xc0) != 0x80 || overdue >= MAX_CHARACTER_BYTES);
  }

  /** Chooses where in the next stratum the next block begins. */
  private chooseBlock(): void {
    if (this.stratumLength == 0) {
      this.firstStratum = this.stratum = this.passed;
      this.stratumLength = MIN_STRATUM;
    } else {
      this.stratum += this.stratumLength;
      if (this.stratum - this.firstStratum >= 2 * STRATA * this.stratumLength) this.stratumLength <<= 1;
    }
    this.seed = mix(this.seed + this.stratum);
    this.phase = Phase.Skip;
    this.until = this.stratum + (this.seed & (this.stratumLength - 1));
    // A block that would overlap the previous one begins after it.
    if (this.until <= this.passed) this.nextPhase();
  }

  /** Adds the cost of the bytes that were read to the account of the current text. */
  private settle(): void {
    const cost = this.estimator.finish();
    const text = this.account(CURRENT);
    if (this.phase <= Phase.HeadEnd) {
      text.headCost += cost;
    } else {
      const factor = this.stratumLength / MIN_STRATUM;
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

/** Whether a piece ends between two bytes, whatever the bytes around them are. */
function isEndOfWord(last: u32, byte: u32): bool {
  if (byte == 0x20 || byte == 0x0a) return isWordByte(last);
  return byte > 0x20 && byte < 0x80 && byte != 0x27 && !isWordByte(byte) && last < 0x80 && isWordByte(last);
}

/** Whether a byte is an ASCII letter or digit, or part of a character beyond ASCII. */
function isWordByte(byte: u32): bool {
  return (byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10 || byte >= 0x80;
}
