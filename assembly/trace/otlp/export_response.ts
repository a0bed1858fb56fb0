import { FieldReader, FieldTree, Found } from "../../json/fields";
import { Token } from "../../json/token";

/** Maximum number of bytes of a response that are read. */
export const RESPONSE_LIMIT: usize = 16384;

/**
 * Field numbers of `ExportTraceServiceResponse` and `ExportTracePartialSuccess`, and wire types of Protocol Buffers.
 */
const PARTIAL_SUCCESS: u64 = 1;
const REJECTED_SPANS: u64 = 1;
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;
const FIXED_32: u32 = 5;

/** The only field that is read in the JSON encoding. It has two spellings. */
const REJECTED: i32 = 1;
let tree: FieldTree | null = null;
let reader: usize = 0;

/**
 * The number of spans of the request that the collector has rejected, from its response in the JSON encoding. The
 * response may be any bytes; 0 if it does not contain the number.
 */
export function rejectedByJson(at: usize, length: usize): u64 {
  if (!tree) {
    const fields = new FieldTree();
    fields.add(REJECTED, ["partialSuccess", "rejectedSpans"]);
    fields.add(REJECTED, ["partial_success", "rejected_spans"]);
    tree = fields;
    reader = changetype<usize>(FieldReader.create(fields));
  }
  const fields = changetype<FieldReader>(reader);
  fields.reset(tree!);
  const tokens = fields.tokens;
  tokens.feed(at, length);
  let rejected: u64 = 0;
  while (fields.next() == Found.Field) {
    const isNumber = fields.value == Token.String || fields.value == Token.Number;
    if (isNumber) rejected = leadingNumber(tokens.textAt, tokens.textLength);
  }
  return rejected;
}

/**
 * The number of spans of the request that the collector has rejected, from its response in the protobuf encoding. The
 * response may be any bytes; 0 if it does not contain the number.
 */
export function rejectedByProtobuf(at: usize, length: usize): u64 {
  let rejected: u64 = 0;
  const outer = new Fields(at, at + length);
  while (outer.next()) {
    if (outer.number != PARTIAL_SUCCESS || outer.type != BYTES) continue;
    const inner = new Fields(outer.at, outer.at + <usize>outer.value);
    while (inner.next()) {
      if (inner.number == REJECTED_SPANS && inner.type == VARINT) rejected = inner.value;
    }
  }
  // A negative number counts as none.
  return <i64>rejected < 0 ? 0 : rejected;
}

/** The value of the digits at the beginning of a text; 0 if there are none, or more than 18. */
function leadingNumber(at: usize, length: i32): u64 {
  let value: u64 = 0;
  for (let i = 0; i < length; i++) {
    const digit = load<u8>(at + i) - 0x30;
    if (digit > 9) break;
    if (i == 18) return 0;
    value = value * 10 + digit;
  }
  return value;
}

/** Reads the fields of a protobuf message one after another. The message may be any bytes. */
class Fields {
  number: u64 = 0;
  type: u32 = 0;
  /** The number in the field, or the length of the field's bytes at `at`, at most the number of remaining bytes. */
  value: u64 = 0;
  at: usize = 0;

  constructor(
    private position: usize,
    private end: usize,
  ) {}

  /** Moves to the next field. Returns false at the end, or if the bytes are not a valid message. */
  next(): bool {
    if (this.position >= this.end) return false;
    const tag = this.varint();
    this.number = tag >> 3;
    this.type = (<u32>tag) & 7;
    if (this.type == VARINT) this.value = this.varint();
    else if (this.type == BYTES) this.value = this.varint();
    else if (this.type == FIXED_64) this.value = 8;
    else if (this.type == FIXED_32) this.value = 4;
    else return false;
    if (this.type == VARINT) return true;
    this.at = this.position;
    this.value = min<u64>(this.value, this.end - this.position);
    this.position += <usize>this.value;
    return true;
  }

  /** Reads a varint of at most 10 bytes. */
  private varint(): u64 {
    let value: u64 = 0;
    for (let shift = 0; shift < 70 && this.position < this.end; shift += 7) {
      const byte = load<u8>(this.position++);
      value |= (<u64>(byte & 0x7f)) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
}
