import { Token } from "../json/token";
import { IdKind, idHash } from "../jsonrpc/id";
import { Slot } from "./message/slots";
import { StrictReader } from "./message/strict_reader";

/** What kind of JSON-RPC id the message in the reader has, which must have one. */
export function messageIdKind(reader: StrictReader): IdKind {
  return reader.token(Slot.Id) == Token.String ? IdKind.String : IdKind.Number;
}

/** The hash of that id: see {@link idHash}. */
export function messageIdHash(reader: StrictReader, kind: IdKind): u64 {
  const length = reader.textLength(Slot.Id);
  return idHash(kind, reader.textAt(Slot.Id), length, length);
}
