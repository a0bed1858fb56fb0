import { RejectedRequest } from "../edit/request/rejected_request";
import { RewriteKind } from "../edit/request/rewrites";
import { GateRequest } from "../gate/stage/request";
import { Token } from "../json/token";
import { IdKind, idHash } from "../jsonrpc/id";
import { Outcome } from "../mcp/protocol/outcome";
import { CheckedRequest } from "./checked_request";
import { Slot } from "./message/slots";
import { MessageForm, StrictReader } from "./message/strict_reader";

/** Keeps the message in the reader from the server, while others of its request pass, or where its answer comes on another stream.
 *  A request is answered by `error`, `length` bytes of JSON. */
export function rejectMessage(
  request: GateRequest,
  check: CheckedRequest,
  reader: StrictReader,
  outcome: Outcome,
  error: usize,
  length: i32,
): void {
  request.exchange.stream.reject(reader.count - 1, outcome);
  request.rejecting = changetype<usize>(check);
  const rewrites = request.openRewrites();
  if (reader.form == MessageForm.Response) {
    // Nobody answers it, so that it cannot be turned into an error.
    return rewrites.add(RewriteKind.Blank, reader.messageStart, reader.messageEnd - reader.messageStart);
  }
  rewrites.add(RewriteKind.Method, reader.methodStart, reader.methodEnd - reader.methodStart);
  if (reader.form != MessageForm.Request) return;
  const kind = idKindOf(reader);
  request.addRejected(RejectedRequest.take(kind, idHashOf(reader, kind), outcome, error, length));
}

/** The request in the reader, if an earlier stage has rejected it; null for another message. */
export function rejectedRequest(request: GateRequest, reader: StrictReader): RejectedRequest | null {
  const kind = idKindOf(reader);
  return request.rejected(kind, idHashOf(reader, kind));
}

function idKindOf(reader: StrictReader): IdKind {
  return reader.token(Slot.Id) == Token.String ? IdKind.String : IdKind.Number;
}

function idHashOf(reader: StrictReader, kind: IdKind): u64 {
  const length = reader.textLength(Slot.Id);
  return idHash(kind, reader.textAt(Slot.Id), length, length);
}
