import { Events } from "../events";
import { MirroredHeader, MirroredHeaders } from "../headers/mirrored_headers";
import { McpMessage } from "../message/message";
import { MODERN_REVISION, UNKNOWN_REVISION } from "../protocol/revisions";
import { Stream } from "../state/stream";

/** Compares the headers of a request with its body (2026-07-28, basic/transports/streamable-http, "Server Validation"). */
export function checkHeaders(stream: Stream, message: McpMessage, events: Events): void {
  const isModern = message.requestRevision == MODERN_REVISION;
  if (message.requestRevision != UNKNOWN_REVISION && message.requestRevision != stream.revision) {
    events.headerMismatch(stream, MirroredHeader.ProtocolVersion);
  }
  const headers = message.mirrored ? changetype<MirroredHeaders>(message.mirrored) : null;
  const method: u64 = headers ? headers.method : 0;
  const methodLine: u64 = headers ? headers.methodLine : 0;
  if (disagrees(method, methodLine, message.methodHash, isModern)) events.headerMismatch(stream, MirroredHeader.Method);
  const name: u64 = headers ? headers.name : 0;
  const nameLine: u64 = headers ? headers.nameLine : 0;
  if (disagrees(name, nameLine, message.targetHash, isModern)) events.headerMismatch(stream, MirroredHeader.Name);
  if (headers && !headers.paramsAgree) events.headerMismatch(stream, MirroredHeader.Param);
}

/** Whether the body differs from a header, both from the whole value and from one line of it. With `isModern`, a missing
 *  header differs, too. */
function disagrees(header: u64, line: u64, body: u64, isModern: bool): bool {
  return header ? header != body && line != body : isModern && body != 0;
}
