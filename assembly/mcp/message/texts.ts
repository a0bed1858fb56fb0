import { ValueText } from "../../json/value_text";
import { Meter } from "../../tokens/meter";
import { TokenKind, TokenSettings } from "../protocol/token_kinds";

/** The number of units of cost in one token. */
const COST_OF_TOKEN: f64 = 1024;

/** The minimum number of bytes of definitions that are read completely. A server sends the same list again and again, and a
 *  list that repeats is compared with the last one instead of being read. */
const DEFINITION_BYTES: u32 = 256 * 1024;

/** Estimates the number of tokens of one message's texts, by kind. */
@unmanaged
export class Texts {
  private text: ValueText;
  private meter: Meter;
  /** The factor of all estimates; 0 if estimates are disabled. */
  private scale: f64;
  /** The number of bytes at the start of the texts that are read completely. */
  private maxBytes: u32;
  /** The message has contained a text. */
  private hasTexts: bool;
  /** The current value has begun. */
  private hasBegun: bool;
  /** The current value is null. Valid once it has begun. */
  private isNull: bool;

  static create(): Texts {
    const self = changetype<Texts>(heap.alloc(offsetof<Texts>()));
    self.text = ValueText.create();
    self.meter = Meter.create();
    self.hasBegun = false;
    return self;
  }

  /** Prepares for another message. */
  reset(settings: TokenSettings): void {
    this.scale = settings.estimate ? settings.scale : 0;
    this.maxBytes = settings.maxBytes;
    this.hasTexts = false;
    if (this.hasBegun) this.text.reset();
    this.hasBegun = false;
  }

  /** Begins a list of definitions. At least {@link DEFINITION_BYTES} of its texts are read completely. */
  beginDefinitions(): void {
    this.maxBytes = max(this.maxBytes, DEFINITION_BYTES);
  }

  /** Reads the next bytes of a JSON value that is a text. A value of null does not count as text. */
  readPart(at: usize, length: usize): void {
    if (length == 0) return;
    if (!this.hasBegun) this.isNull = load<u8>(at) == 0x6e;
    this.hasBegun = true;
    if (this.isNull) return;
    this.begin();
    const text = this.text;
    const meter = this.meter;
    text.feed(at, length);
    while (true) {
      if (meter.isSkipping) {
        const isOver = text.skip(meter.wanted);
        meter.skip(text.wireBytes, isOver);
        if (!isOver) return;
      } else {
        if (!text.next(meter.wanted)) return;
        meter.read(text.at, text.length, text.wireBytes);
      }
    }
  }

  /** Ends the current value, and counts it as a text of this kind. */
  endValue(kind: TokenKind): void {
    this.hasBegun = false;
    this.text.reset();
    if (this.hasTexts) this.meter.endText(kind);
  }

  /** Reads a complete text, in UTF-8. */
  readText(kind: TokenKind, at: usize, length: usize): void {
    if (this.scale == 0) return;
    this.begin();
    this.meter.feed(at, length);
    this.meter.endText(kind);
  }

  /** Whether the message has contained no text so far. */
  get isEmpty(): bool {
    return !this.hasTexts;
  }

  /** Writes the state of the estimate, METER_SIZE bytes, to `at` for {@link restore}. Call only between two texts. */
  save(at: usize): void {
    this.meter.save(at);
  }

  /** Restores the state that {@link save} wrote. The message must have contained no text yet. */
  restore(at: usize): void {
    this.hasTexts = true;
    this.meter.restore(at);
  }

  /** Prepares the meter for the first text of a message. Most messages have none. */
  private begin(): void {
    if (this.hasTexts) return;
    this.hasTexts = true;
    this.meter.reset(this.maxBytes);
  }

  /** The estimated number of tokens in this kind's texts; 0 if there is no text or estimates are disabled. */
  tokens(kind: TokenKind): u32 {
    if (this.scale == 0 || !this.hasTexts) return 0;
    return <u32>Math.min(Math.round((<f64>this.meter.costOf(kind) * this.scale) / COST_OF_TOKEN), <f64>u32.MAX_VALUE);
  }
}
