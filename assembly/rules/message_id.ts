import { Token } from "../json/token";
import { IdKind, idHash } from "../jsonrpc/id";
import { MemberSlot } from "./message/deciding_keys";
import { StrictReader } from "./message/strict_reader";

/** The kind of the JSON-RPC id of the message in the reader, which must have one. */
export function messageIdKind(reader: StrictReader): IdKind {
  return reader.token(MemberSlot.Id) == Token.String ? IdKind.String : IdKind.Number;
}

/** The hash of the JSON-RPC id of the message in the reader: see {@link idHash}. */
export function messageIdHash(reader: StrictReader, kind: IdKind): u64 {
  const length = reader.textLength(MemberSlot.Id);
  return idHash(kind, reader.textAt(MemberSlot.Id), length, length);
}
