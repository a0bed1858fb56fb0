import { Token } from "../../../assembly/json/token";
import {
  FIRST_PAYLOAD_FIELD,
  MessageKind,
  MessageReader,
  Part,
  envelopeFields,
} from "../../../assembly/jsonrpc/message_reader";

import { alikeKind } from "../../../assembly/jsonrpc/id";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "text")
declare function traceText(part: Part, at: usize, length: i32): void;

// @ts-ignore: decorator
@external("trace", "message")
declare function traceMessage(
  kind: MessageKind,
  fault: i32,
  idKind: i32,
  idHash: u64,
  isError: bool,
  errorCode: i32,
  start: u64,
  end: u64,
): void;

// @ts-ignore: decorator
@external("trace", "batch")
declare function traceBatch(fault: i32): void;

const tree = envelopeFields();
tree.add(FIRST_PAYLOAD_FIELD, ["params", "name"]);

const reader = MessageReader.create(tree);

export function begin(): void {
  reader.reset(tree);
}

export function feed(at: usize, length: usize): void {
  reader.feed(at, length);
  for (let part = reader.next(); part != Part.More && part != Part.Fault; part = reader.next()) {
    if (part == Part.End) {
      finishMessage();
      reader.beginNext();
      continue;
    }
    const fields = reader.fields;
    const isText = fields.value == Token.String;
    traceText(part, fields.tokens.textAt, isText ? fields.tokens.textLength : 0);
  }
}

export function end(): void {
  if (reader.isBatch) traceBatch(reader.finishBatch());
  else finishMessage();
}

/** Of the newest message: see `alikeHash` in jsonrpc/id.ts. */
export function alikeHash(): u64 {
  return reader.alikeHash;
}

export function alikeOfId(): i32 {
  return alikeKind(reader.idKind);
}

function finishMessage(): void {
  const kind = reader.finish();
  traceMessage(
    kind,
    reader.fault,
    reader.idKind,
    reader.idHash,
    reader.isErrorResponse,
    reader.errorCode,
    reader.start,
    reader.end,
  );
}
