import { GateRequest } from "../gate/stage/request";
import { SessionKey } from "../identity/keys";
import { Token } from "../json/token";
import { CLIENT_NAME_LIMIT } from "../mcp/protocol/limits";
import { UNKNOWN_REVISION, revisionOf } from "../mcp/protocol/revisions";
import { MemberSlot } from "./message/deciding_keys";
import { MessageForm, StrictReader } from "./message/strict_reader";

/** The session of a message; for a request without a session, its caller's activity window. 0 for none. */
export function sessionOf(request: GateRequest, reader: StrictReader): SessionKey {
  const stream = request.exchange.stream;
  const sessions = request.services.sessions;
  if (reader.form != MessageForm.Request) return sessions.keyOrNone(stream);
  const isNamed = reader.token(MemberSlot.MetaVersion) == Token.String;
  const version = reader.textAt(MemberSlot.MetaVersion);
  const revision = isNamed ? revisionOf(version, reader.textLength(MemberSlot.MetaVersion)) : UNKNOWN_REVISION;
  const client = reader.textAt(MemberSlot.MetaClientName);
  return sessions.sessionOfRequest(stream, revision, client, clientNameLength(reader));
}

/**
 * Length in bytes of the client software's name in a message; 0 if the message has none or the name is too long to be
 * kept.
 */
export function clientNameLength(reader: StrictReader): i32 {
  const isNamed =
    reader.token(MemberSlot.MetaClientName) == Token.String &&
    reader.textTotal(MemberSlot.MetaClientName) <= CLIENT_NAME_LIMIT;
  return isNamed ? reader.textLength(MemberSlot.MetaClientName) : 0;
}
