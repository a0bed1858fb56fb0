import { lineLength } from "../../http/list_form";
import { lineLength } from "../../http/list_form";
import { TEXT_LIMIT } from "../../json/string_decoder";
import { Token } from "../../json/token";
import { Tokenizer } from "../../json/tokenizer";
import { equalsText, mix, permanentBytes } from "../../memory/bytes";
import { keyedTextHash, neverZero } from "../../memory/keyed_hash";

/** The maximum number of `Mcp-Param-*` headers that are compared per request. */
const PARAM_LIMIT: u32 = 16;
/** Offsets in a record: the hash of a value, and the hash of one line of it. */
const PARAM_AT: usize = 0;
const PARAM_LINE_AT: usize = 8;
const PARAM_SIZE: u32 = 16;
const PARAMS_SIZE: usize = PARAM_LIMIT * PARAM_SIZE;
/** The prefix of a base64 value, and the size of its suffix `?=` (2026-07-28, basic/transports/streamable-http, "Value
 *  Encoding"). */
const BASE64_START = "=?base64?";
const BASE64_END_SIZE: i32 = 2;
/** The maximum size of a decoded value in bytes. */
const DECODED_LIMIT: i32 = 4096;
const decoded: usize = heap.alloc(DECODED_LIMIT);

/** A header that repeats a value of the body: the label `mcp_header`. */
export enum MirroredHeader {
  Method,
  Name,
  Param,
  ProtocolVersion,
}

const NAMES: string[] = ["mcp-method", "mcp-name", "mcp-param", "mcp-protocol-version"];

export function mirroredHeaderName(header: MirroredHeader): string {
  return NAMES[header];
}

/**
 * The values of the body that the headers of a request repeat (2026-07-28, basic/transports/streamable-http, "Standard
 * Headers"), as {@link keyedTextHash}es. The argument that an `Mcp-Param-*` header repeats is defined in the tool's
 * definition, which is not consulted: the header is accepted if any value among the arguments equals it. Pooled.
 */
@unmanaged
export class MirroredHeaders {
  /** The hashes of `Mcp-Method` and `Mcp-Name`; 0 if the header is missing. An empty header has a non-zero hash. */
  method: u64;
  name: u64;
  /** The hashes of one line of the header, which differ if the value is a list that repeats a line: see `list_form.ts`. */
  methodLine: u64;
  nameLine: u64;
  private paramCount: u32;
  /** A bit for each `Mcp-Param-*` header that no argument has matched yet. */
  private unmet: u32;
  /** The address of the tokenizer for the arguments; 0 until they arrive. */
  private tokens: usize;
  private nextFree: usize;

  static acquire(): MirroredHeaders {
    let self = changetype<MirroredHeaders>(free);
    if (free) {
      free = self.nextFree;
    } else {
      self = changetype<MirroredHeaders>(heap.alloc(offsetof<MirroredHeaders>() + PARAMS_SIZE));
      self.tokens = 0;
    }
    self.clear();
    return self;
  }

  /** Removes all headers. */
  clear(): void {
    this.method = 0;
    this.name = 0;
    this.methodLine = 0;
    this.nameLine = 0;
    this.paramCount = 0;
    this.unmet = 0;
  }

  /** Copies the headers of `other`. */
  copy(other: MirroredHeaders): void {
    this.method = other.method;
    this.name = other.name;
    this.methodLine = other.methodLine;
    this.nameLine = other.nameLine;
    this.paramCount = other.paramCount;
    this.unmet = other.unmet;
    memory.copy(this.params, other.params, PARAMS_SIZE);
    if (this.tokens) changetype<Tokenizer>(this.tokens).reset();
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** Adds a value of `Mcp-Method`. */
  addMethod(at: usize, length: i32): void {
    this.method = joined(this.method, headerHash(at, length));
    this.methodLine = joined(this.methodLine, headerHash(at, lineLength(at, length)));
  }

  /** Adds a value of `Mcp-Name`. */
  addName(at: usize, length: i32): void {
    this.name = joined(this.name, headerHash(at, length));
    this.nameLine = joined(this.nameLine, headerHash(at, lineLength(at, length)));
  }

  /** Whether the request has any of these headers. */
  get isThere(): bool {
    return (this.method | this.name) != 0 || this.paramCount > 0;
  }

  /** Adds a value of an `Mcp-Param-*` header. */
  addParam(at: usize, length: i32): void {
    if (this.paramCount == PARAM_LIMIT) return;
    const param = this.params + this.paramCount * PARAM_SIZE;
    store<u64>(param, headerHash(at, length), PARAM_AT);
    store<u64>(param, headerHash(at, lineLength(at, length)), PARAM_LINE_AT);
    this.unmet |= 1 << this.paramCount++;
  }

  /** Supplies bytes of the request's arguments, which must be valid JSON. */
  feedArguments(at: usize, length: usize): void {
    if (this.unmet == 0) return;
    if (!this.tokens) this.tokens = changetype<usize>(Tokenizer.create());
    const tokens = changetype<Tokenizer>(this.tokens);
    tokens.feed(at, length);
    while (true) {
      const token = tokens.next();
      switch (token) {
        case Token.More:
        case Token.Error:
          return;
        case Token.String:
        case Token.Number:
          this.meet(keyedTextHash(tokens.textAt, tokens.textLength, tokens.textTotal));
          break;
        case Token.True:
          this.meet(keyedTextHash(TRUE, 4, 4));
          break;
        case Token.False:
          this.meet(keyedTextHash(FALSE, 5, 5));
          break;
      }
    }
  }

  /** Whether each `Mcp-Param-*` header is the value of an argument. */
  get paramsAgree(): bool {
    return this.unmet == 0;
  }

  private meet(hash: u64): void {
    for (let i: u32 = 0; i < this.paramCount; i++) {
      const param = this.params + i * PARAM_SIZE;
      const isMet = load<u64>(param, PARAM_AT) == hash || load<u64>(param, PARAM_LINE_AT) == hash;
      if (isMet) this.unmet &= ~(1 << i);
    }
  }

  private get params(): usize {
    return changetype<usize>(this) + offsetof<MirroredHeaders>();
  }
}

let free: usize = 0;

/** The combined hash of a repeated header. Recipients choose different values of two that differ, so these get a hash that
 *  matches no body. */
function joined(before: u64, value: u64): u64 {
  return before == 0 || before == value ? value : neverZero(mix(before ^ mix(value)));
}

const TRUE: usize = permanentBytes("true");
const FALSE: usize = permanentBytes("false");

/** The {@link keyedTextHash} of a header's value, decoded if it is base64. */
export function headerHash(at: usize, length: i32): u64 {
  const start = BASE64_START.length;
  if (length >= start + BASE64_END_SIZE && equalsText(at, start, BASE64_START)) {
    if (equalsText(at + length - BASE64_END_SIZE, BASE64_END_SIZE, "?=")) {
      const size = decodeBase64(at + start, length - start - BASE64_END_SIZE);
      if (size >= 0) return hashOf(decoded, size);
    }
  }
  return hashOf(at, length);
}

function hashOf(at: usize, length: i32): u64 {
  return keyedTextHash(at, min(length, <i32>TEXT_LIMIT), length);
}

/** Decodes base64 (RFC 4648 section 4), with or without padding, to {@link decoded}. Returns the size; -1 if the text is not
 *  base64 or too long. */
function decodeBase64(at: usize, length: i32): i32 {
  while (length > 0 && load<u8>(at + length - 1) == 0x3d) length--;
  if ((length * 3) / 4 > DECODED_LIMIT) return -1;
  let size = 0;
  let bits: u32 = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const value = base64Value(load<u8>(at + i));
    if (value < 0) return -1;
    bits = (bits << 6) | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    store<u8>(decoded + size++, <u8>(bits >> count));
  }
  return size;
}

function base64Value(byte: u8): i32 {
  const letter = <i32>(byte | 0x20) - 0x61;
  if (letter >= 0 && letter < 26) return byte & 0x20 ? letter + 26 : letter;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30 + 52;
  if (byte == 0x2b) return 62;
  return byte == 0x2f ? 63 : -1;
}
