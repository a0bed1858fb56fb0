import { Tokenizer } from "../../json/tokenizer";
import { Fault, Token } from "../../json/token";
import { parseDecimal } from "./decimal";

/** The type of a JSON value. */
export enum JsonType {
  Null,
  Boolean,
  Number,
  String,
  Array,
  Object,
}

const LINE_FEED: u8 = 0x0a;
const TYPE_NAMES: string[] = ["null", "a boolean", "a number", "a string", "an array", "an object"];

/** A value of a small JSON document, kept as a tree. */
export class JsonValue {
  boolean: bool = false;
  /** The text of a string, or the digits of a number. */
  text: string = "";
  /** A string or number is longer than its kept part. */
  isCut: bool = false;
  /** The member names of an object, in the order of `items`. */
  names: string[] = [];
  items: JsonValue[] = [];

  constructor(public type: JsonType) {}

  /** The type in words. */
  get typeName(): string {
    return TYPE_NAMES[this.type];
  }

  /** The integer value of a number, also if written as `1500.0` or `15e2`; -1 if it is not an integer in [0, 2^31). */
  get integer(): i32 {
    if (this.type != JsonType.Number || this.isCut) return -1;
    const value = parseDecimal(this.text);
    return value >= 0 && value < 2147483648 && Math.floor(value) == value ? <i32>value : -1;
  }
}

/** Parses the bytes as JSON; null if they are not JSON. */
export function parseJson(at: usize, length: usize): JsonValue | null {
  const tokens = Tokenizer.create();
  tokens.feed(at, length);
  const value = readValue(tokens, tokens.next());
  const isWhole = value != null && tokens.next() == Token.More && tokens.complete;
  heap.free(changetype<usize>(tokens));
  return isWhole ? value : null;
}

/** Why the bytes are not a JSON document, with the line and column (in bytes, from 1) of the unexpected byte. */
export function jsonFault(at: usize, length: usize): string {
  const tokens = Tokenizer.create();
  let token = Token.More;
  let line = 1;
  let column = 1;
  // One byte at a time, because the tokenizer does not say where in a chunk it fails.
  for (let i: usize = 0; i < length; i++) {
    tokens.feed(at + i, 1);
    do token = tokens.next();
    while (token != Token.More && token != Token.Error);
    if (token == Token.Error) break;
    column++;
    if (load<u8>(at + i) != LINE_FEED) continue;
    line++;
    column = 1;
  }
  const isTooDeep = tokens.fault == Fault.Depth;
  heap.free(changetype<usize>(tokens));
  if (token != Token.Error) return "invalid JSON: unexpected end";
  const place = " at line " + line.toString() + ", column " + column.toString();
  return (isTooDeep ? "invalid JSON: nested too deeply" : "invalid JSON: syntax error") + place;
}

/**
 * Reads the value that begins with `token`; null if the bytes end or fail within it. Null also for a number at the
 * root, which would end only with the bytes.
 */
function readValue(tokens: Tokenizer, token: Token): JsonValue | null {
  switch (token) {
    case Token.Null:
      return new JsonValue(JsonType.Null);
    case Token.True:
    case Token.False: {
      const value = new JsonValue(JsonType.Boolean);
      value.boolean = token == Token.True;
      return value;
    }
    case Token.Number:
    case Token.String: {
      const value = new JsonValue(token == Token.Number ? JsonType.Number : JsonType.String);
      value.text = textOf(tokens);
      value.isCut = tokens.textTotal > <u32>tokens.textLength;
      return value;
    }
    case Token.ArrayStart:
      return readItems(tokens, new JsonValue(JsonType.Array), Token.ArrayEnd);
    case Token.ObjectStart:
      return readItems(tokens, new JsonValue(JsonType.Object), Token.ObjectEnd);
    default:
      return null;
  }
}

function readItems(tokens: Tokenizer, container: JsonValue, end: Token): JsonValue | null {
  for (let token = tokens.next(); token != end; token = tokens.next()) {
    if (token == Token.Key) {
      container.names.push(textOf(tokens));
      token = tokens.next();
    }
    const item = readValue(tokens, token);
    if (!item) return null;
    container.items.push(item);
  }
  return container;
}

function textOf(tokens: Tokenizer): string {
  return String.UTF8.decodeUnsafe(tokens.textAt, tokens.textLength);
}
