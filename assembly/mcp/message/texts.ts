import { ValueText } from "../../json/value_text";
import { Meter } from "../../tokens/meter";
import { TokenKind, TokenSettings } from "../protocol/token_kinds";

/** Units of cost in a token. */
const COST_OF_TOKEN: f64 = 1024;

/** The minimum number of bytes of definitions that are read completely. A server sends the same list again and again, and a
 *  list that repeats is compared with the last one instead of being read. */
const DEFINITION_BYTES: u32 = 256 * 1024;

/** The texts of one message, kind by kind, and how many tokens they are. */
@unmanaged
export class Texts {
  private text: ValueText;
  private meter: Meter;
  /** What estimates are multiplied by; 0 where there are none. */
  private scale: f64;
  /** Bytes read exactly. */
  private maxBytes: u32;
  /** A text has come. */
  private hasTexts: bool;
  /** The current value has begun, and is null. */
  private hasBegun: bool;
  private isNull: bool;

  static create(): Texts {
    const self = changetype<Texts>(heap.alloc(offsetof<Texts>()));
    self.text = ValueText.create();
    self.meter = Meter.create();
    self.hasBegun = false;
    return self;
  }

  /** Ready for another message. */
  reset(settings: TokenSettings): void {
    this.scale = settings.estimate ? settings.scale : 0;
    this.maxBytes = settings.maxBytes;
    this.hasTexts = false;
    if (this.hasBegun) this.text.reset();
    this.hasBegun = false;
  }

  /** A list of definitions begins. Its texts are read completely up to {@link DEFINITION_BYTES}. */
  beginDefinitions(): void {
    this.maxBytes = max(this.maxBytes, DEFINITION_BYTES);
  }

  /** Takes bytes of a JSON value that is a text. A value of null is not counted as text. */
  takePart(at: usize, length: usize): void {
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
        meter.skip(text.wire, isOver);
        if (!isOver) return;
      } else {
        if (!text.next(meter.wanted)) return;
        meter.take(text.at, text.length, text.wire);
      }
    }
  }

  /** The value is over: it was a text of this kind. */
  endValue(kind: TokenKind): void {
    this.hasBegun = false;
    this.text.reset();
    if (this.hasTexts) this.meter.endText(kind);
  }

  /** Takes a whole text as UTF-8. */
  take(kind: TokenKind, at: usize, length: usize): void {
    if (this.scale == 0) return;
    this.begin();
    this.meter.feed(at, length);
    this.meter.endText(kind);
  }

  /** Whether there has been no text. */
  get isEmpty(): bool {
    return !this.hasTexts;
  }

  /** Between two texts: writes what has been read to `at`, METER_SIZE bytes, for {@link restore}. */
  save(at: usize): void {
    this.meter.save(at);
  }

  /** Continues as if the texts had been read after which {@link save} was called. There must have been none yet. */
  restore(at: usize): void {
    this.hasTexts = true;
    this.meter.restore(at);
  }

  /** A text comes: most messages have none. */
  private begin(): void {
    if (this.hasTexts) return;
    this.hasTexts = true;
    this.meter.reset(this.maxBytes);
  }

  /** The tokens of the texts of this kind, estimated; 0 where that is switched off. */
  tokens(kind: TokenKind): u32 {
    if (this.scale == 0 || !this.hasTexts) return 0;
    return <u32>Math.min(Math.round((<f64>this.meter.costOf(kind) * this.scale) / COST_OF_TOKEN), <f64>u32.MAX_VALUE);
  }
}
