import { TextMatch } from "../../config/rules/rule_config";
import { Bytes } from "../../memory/bytes";
import { matchesGlob } from "../../memory/glob";
import { Match, not } from "./match";

const STAR: u8 = 0x2a;
/** Bytes of a pattern's head: of what all texts that match it begin with. */
export const HEAD_SIZE: i32 = 16;

/** A text in which each `*` stands for any run of bytes, none included. It is matched whole, and case counts. */
class Pattern {
  private text: Bytes;
  /** Bytes before the first `*`: all where there is none. */
  private prefix: i32 = 0;

  constructor(text: string) {
    this.text = Bytes.of(text);
    while (this.prefix < this.text.length && load<u8>(this.text.at + this.prefix) != STAR) this.prefix++;
  }

  /** Writes its head, {@link HEAD_SIZE} bytes with zeros behind it. Returns how many of them a text that matches begins with, where
   *  zeros are behind that, too: with one of those if the text must end there. */
  writeHead(to: usize): i32 {
    const length = min(this.prefix, HEAD_SIZE);
    memory.fill(to, 0, HEAD_SIZE);
    memory.copy(to, this.text.at, length);
    return this.prefix == this.text.length && length < HEAD_SIZE ? length + 1 : length;
  }

  /** Whether every text matches it. */
  get matchesAll(): bool {
    return this.prefix == 0 && this.text.length == 1;
  }

  /** @param isCut there is more of the text than these bytes. */
  match(at: usize, length: i32, isCut: bool): Match {
    const pattern = this.text.at;
    const size = this.text.length;
    const common = min(this.prefix, length);
    if (memory.compare(pattern, at, common) != 0) return Match.No;
    if (this.prefix == size)
      return length == size && !isCut ? Match.Yes : isCut && length < size ? Match.Unknown : Match.No;
    if (length < this.prefix) return isCut ? Match.Unknown : Match.No;
    // What follows the kept bytes does not matter where the pattern ends in its only star.
    if (this.prefix == size - 1) return Match.Yes;
    if (isCut) return Match.Unknown;
    const from = this.prefix;
    const isMatch = matchesGlob(pattern + from, size - from, at + from, length - from);
    return isMatch ? Match.Yes : Match.No;
  }
}

/** A {@link TextMatch}, ready to be matched. */
export class Patterns {
  private values: Pattern[];
  private notValues: Pattern[];

  constructor(match: TextMatch) {
    this.values = match.values.map<Pattern>((text) => new Pattern(text));
    this.notValues = match.notValues.map<Pattern>((text) => new Pattern(text));
  }

  /** Patterns of which a text must match one. With none, every text matches. */
  static oneOf(values: string[]): Patterns {
    const match = new TextMatch();
    match.values = values;
    return new Patterns(match);
  }

  /** Patterns of which a text must match none. */
  static noneOf(values: string[]): Patterns {
    const match = new TextMatch();
    match.notValues = values;
    return new Patterns(match);
  }

  /** Whether there are values of which it must be one. */
  get hasValues(): bool {
    return this.values.length > 0;
  }

  /** The number of values. */
  get valueCount(): i32 {
    return this.values.length;
  }

  /** Writes the head of the value of this index: see {@link Pattern.writeHead}. */
  writeHead(value: i32, to: usize): i32 {
    return this.values[value].writeHead(to);
  }

  /** Whether there are values that it must not be. */
  get hasOthers(): bool {
    return this.notValues.length > 0;
  }

  /** Whether every text matches. */
  get matchesAll(): bool {
    if (this.notValues.length) return false;
    for (let i = 0; i < this.values.length; i++) {
      if (unchecked(this.values[i]).matchesAll) return true;
    }
    return this.values.length == 0;
  }

  /** Whether a text is one of the values and none of the others. */
  match(at: usize, length: i32, isCut: bool): Match {
    return min(this.matchValues(at, length, isCut), this.matchOthers(at, length, isCut));
  }

  /** Whether a text is one of the values, if there are any. */
  matchValues(at: usize, length: i32, isCut: bool): Match {
    return this.values.length ? anyOf(this.values, at, length, isCut) : Match.Yes;
  }

  /** Whether a text is none of those that it must not be. */
  matchOthers(at: usize, length: i32, isCut: bool): Match {
    return not(anyOf(this.notValues, at, length, isCut));
  }

  /** The same of a text that is not there: it is none of the values, and whether it is one of the others cannot be told. */
  matchNothing(): Match {
    return this.values.length ? Match.No : this.notValues.length ? Match.Unknown : Match.Yes;
  }
}

function anyOf(patterns: Pattern[], at: usize, length: i32, isCut: bool): Match {
  let best = Match.No;
  for (let i = 0; i < patterns.length && best != Match.Yes; i++) {
    best = max(best, unchecked(patterns[i]).match(at, length, isCut));
  }
  return best;
}
