/** The number of 32-bit words: enough for 800 digits below the smallest double. */
const WORDS: i32 = 192;
const WORD_BITS: u32 = 32;
const TEN_TO_9: u32 = 1_000_000_000;

/** A natural number of up to 6,144 bits. Overflow is not checked: callers must limit their results. */
@unmanaged
export class BigNumber {
  /** The number of words in use, the lowest first. The highest word is not 0. */
  private count: i32;

  static create(): BigNumber {
    const self = changetype<BigNumber>(heap.alloc(offsetof<BigNumber>() + <usize>WORDS * sizeof<u32>()));
    self.count = 0;
    return self;
  }

  set(value: u64): void {
    this.count = 0;
    for (; value; value >>= WORD_BITS) this.push(<u32>value);
  }

  /** Sets this number to the sum of two others. */
  setSum(a: BigNumber, b: BigNumber): void {
    const count = max(a.count, b.count);
    let carry: u64 = 0;
    this.count = 0;
    for (let i = 0; i < count; i++) {
      carry += <u64>(i < a.count ? a.word(i) : 0) + (i < b.count ? b.word(i) : 0);
      this.push(<u32>carry);
      carry >>= WORD_BITS;
    }
    if (carry) this.push(<u32>carry);
  }

  /** Multiplies this number by a factor that is not 0, and adds `addend`. */
  multiplyAdd(factor: u32, addend: u32): void {
    let carry: u64 = addend;
    for (let i = 0; i < this.count; i++) {
      carry += <u64>this.word(i) * factor;
      this.setWord(i, <u32>carry);
      carry >>= WORD_BITS;
    }
    if (carry) this.push(<u32>carry);
  }

  /** Multiplies this number by 10^exponent. */
  multiplyByTenTo(exponent: i32): void {
    for (; exponent >= 9; exponent -= 9) this.multiplyAdd(TEN_TO_9, 0);
    for (; exponent > 0; exponent--) this.multiplyAdd(10, 0);
  }

  /** Multiplies this number by 2^bits. */
  shiftLeft(bits: u32): void {
    if (!this.count) return;
    const words = <i32>(bits / WORD_BITS);
    memory.copy(this.words + <usize>words * sizeof<u32>(), this.words, <usize>this.count * sizeof<u32>());
    memory.fill(this.words, 0, <usize>words * sizeof<u32>());
    this.count += words;
    const rest = bits % WORD_BITS;
    if (rest) this.multiplyAdd(1 << rest, 0);
  }

  /** Subtracts a number that is not larger. */
  subtract(other: BigNumber): void {
    let borrow: i64 = 0;
    for (let i = 0; i < this.count; i++) {
      borrow += <i64>this.word(i) - (i < other.count ? other.word(i) : 0);
      this.setWord(i, <u32>borrow);
      borrow >>= WORD_BITS;
    }
    while (this.count && !this.word(this.count - 1)) this.count--;
  }

  /** Returns less than 0 if this number is less than the other, 0 if they are equal, more than 0 if it is greater. */
  compare(other: BigNumber): i32 {
    if (this.count != other.count) return this.count - other.count;
    for (let i = this.count - 1; i >= 0; i--) {
      if (this.word(i) != other.word(i)) return this.word(i) < other.word(i) ? -1 : 1;
    }
    return 0;
  }

  /** The number of its bits without zeros in front. */
  get bits(): i32 {
    const count = this.count;
    return count ? count * <i32>WORD_BITS - <i32>clz(this.word(count - 1)) : 0;
  }

  @inline
  private word(index: i32): u32 {
    return load<u32>(this.words + <usize>index * sizeof<u32>());
  }

  @inline
  private setWord(index: i32, word: u32): void {
    store<u32>(this.words + <usize>index * sizeof<u32>(), word);
  }

  @inline
  private push(word: u32): void {
    this.setWord(this.count++, word);
  }

  /** The address of the words. They follow this object in memory. */
  private get words(): usize {
    return changetype<usize>(this) + offsetof<BigNumber>();
  }
}
