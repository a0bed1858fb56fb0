import { TextMatch } from "../../config/rules/rule_config";
import { Bytes } from "../../memory/bytes";
import { matchesGlob } from "../../memory/glob";
import { Match, not } from "./match";

const STAR: u8 = 0x2a;
/** Size in bytes of a pattern's head: the common prefix of all texts that match it. */
export const HEAD_SIZE: i32 = 16;

/**
 * A text in which each `*` matches any number of bytes, including none. It must match the whole text, case-sensitively.
 */
class Pattern {
  private text: Bytes;
  /** Number of bytes before the first `*`, or of all bytes if there is none. */
  private prefix: i32 = 0;

  constructor(text: string) {
    this.text = Bytes.of(text);
    while (this.prefix < this.text.length && load<u8>(this.text.at + this.prefix) != STAR) this.prefix++;
  }

  /** Writes the head, padded with zeros to {@link HEAD_SIZE} bytes. Returns how many of these bytes every matching
   *  text has in common, if it is padded in the same way; the count includes one zero if the text must end there. */
  writeHead(to: usize): i32 {
    const length = min(this.prefix, HEAD_SIZE);
    memory.fill(to, 0, HEAD_SIZE);
    memory.copy(to, this.text.at, length);
    return this.prefix == this.text.length && length < HEAD_SIZE ? length + 1 : length;
  }

  /** Whether every text matches. */
  get matchesAll(): bool {
    return this.prefix == 0 && this.text.length == 1;
  }

  /** @param isCut the text has more bytes than these */
  match(at: usize, length: i32, isCut: bool): Match {
    const pattern = this.text.at;
    const size = this.text.length;
    const common = min(this.prefix, length);
    if (memory.compare(pattern, at, common) != 0) return Match.No;
    if (this.prefix == size)
      return length == size && !isCut ? Match.Yes : isCut && length < size ? Match.Unknown : Match.No;
    if (length < this.prefix) return isCut ? Match.Unknown : Match.No;
    // If the pattern ends in its only star, the bytes beyond the kept ones do not matter.
    if (this.prefix == size - 1) return Match.Yes;
    if (isCut) return Match.Unknown;
    const from = this.prefix;
    const isMatch = matchesGlob(pattern + from, size - from, at + from, length - from);
    return isMatch ? Match.Yes : Match.No;
  }
}

/** A {@link TextMatch}, compiled for matching. */
export class Patterns {
  private values: Pattern[];
  private notValues: Pattern[];

  constructor(match: TextMatch) {
    this.values = match.values.map<Pattern>((text) => new Pattern(text));
    this.notValues = match.notValues.map<Pattern>((text) => new Pattern(text));
  }

  /** Patterns of which a text must match one. Without patterns, every text matches. */
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

  /** Whether there are patterns of which a text must match one. */
  get hasValues(): bool {
    return this.values.length > 0;
  }

  get valueCount(): i32 {
    return this.values.length;
  }

  /** Writes the head of the value of this index: see {@link Pattern.writeHead}. */
  writeHead(value: i32, to: usize): i32 {
    return this.values[value].writeHead(to);
  }

  /** Whether there are excluding patterns. */
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

  /** Whether a text matches one of the values and none of the excluding patterns. */
  match(at: usize, length: i32, isCut: bool): Match {
    return min(this.matchValues(at, length, isCut), this.matchOthers(at, length, isCut));
  }

  /** Whether a text matches one of the values; yes if there are none. */
  matchValues(at: usize, length: i32, isCut: bool): Match {
    return this.values.length ? anyOf(this.values, at, length, isCut) : Match.Yes;
  }

  /** Whether a text matches none of the excluding patterns. */
  matchOthers(at: usize, length: i32, isCut: bool): Match {
    return not(anyOf(this.notValues, at, length, isCut));
  }

  /** The result for a missing text: no if there are values, unknown if there are only excluding patterns, yes
   *  without patterns. */
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
