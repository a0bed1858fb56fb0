import { RejectedRequest } from "../edit/request/rejected_request";
import { RewriteKind } from "../edit/request/rewrites";
import { GateRequest } from "../gate/stage/request";
import { Outcome } from "../mcp/protocol/outcome";
import { RequestState } from "./request_state";
import { messageIdHash, messageIdKind } from "./message_id";
import { MessageForm, StrictReader } from "./message/strict_reader";

/**
 * Keeps the message in the reader from the server, while other messages of its request pass or its response comes on
 * another stream. If the message is a request, its response gets `error`: `length` bytes of JSON.
 */
export function rejectMessage(
  request: GateRequest,
  state: RequestState,
  reader: StrictReader,
  outcome: Outcome,
  error: usize,
  length: i32,
): void {
  request.exchange.stream.reject(reader.count - 1, outcome);
  request.rejecting = changetype<usize>(state);
  const rewrites = request.openRewrites();
  if (reader.form == MessageForm.Response) {
    // A response gets no response, so it cannot be turned into an error.
    return rewrites.add(RewriteKind.Blank, reader.messageStart, reader.messageEnd - reader.messageStart);
  }
  rewrites.add(RewriteKind.Method, reader.methodStart, reader.methodEnd - reader.methodStart);
  if (reader.form != MessageForm.Request) return;
  const kind = messageIdKind(reader);
  request.addRejected(RejectedRequest.acquire(kind, messageIdHash(reader, kind), outcome, error, length));
}

/** The request in the reader if an earlier stage has rejected it; otherwise null. */
export function rejectedRequest(request: GateRequest, reader: StrictReader): RejectedRequest | null {
  const kind = messageIdKind(reader);
  return request.rejected(kind, messageIdHash(reader, kind));
}
