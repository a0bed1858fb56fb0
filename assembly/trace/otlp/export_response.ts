import { FieldReader, FieldTree, Found } from "../../json/fields";
import { Token } from "../../json/token";

/** The most bytes of a response that are read. */
export const RESPONSE_LIMIT: usize = 16384;

/** Fields of an `ExportTraceServiceResponse` and its `ExportTracePartialSuccess`, and wire types of Protocol Buffers. */
const PARTIAL_SUCCESS: u64 = 1;
const REJECTED_SPANS: u64 = 1;
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;
const FIXED_32: u32 = 5;

/** The one field of the JSON encoding that counts; it has two spellings. */
const REJECTED: i32 = 1;
let tree: FieldTree | null = null;
let reader: usize = 0;

/** The number of spans that the collector has rejected of those in its request, by its response in the JSON encoding; 0 where
 *  the response, which may be any bytes, does not say. */
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

/** The same by its response in the protobuf encoding. */
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
  // A negative number is none.
  return <i64>rejected < 0 ? 0 : rejected;
}

/** The number that the digits at the beginning of a text are; 0 where there are none, or more than 18. */
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

/** Reads the fields of a protobuf message, which may be any bytes, one after another. */
class Fields {
  number: u64 = 0;
  type: u32 = 0;
  /** The number, or the length of the bytes at `at`: no more than there are. */
  value: u64 = 0;
  at: usize = 0;

  constructor(
    private position: usize,
    private end: usize,
  ) {}

  /** Moves to the next field. False where there is none, or the bytes are no such message. */
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

  /** A varint, of which no more than 10 bytes are read. */
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
