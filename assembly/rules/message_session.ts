import { GateRequest } from "../gate/stage/request";
import { SessionKey } from "../identity/keys";
import { Token } from "../json/token";
import { CLIENT_NAME_LIMIT } from "../mcp/protocol/limits";
import { UNKNOWN_REVISION, revisionOf } from "../mcp/protocol/revisions";
import { Slot } from "./message/slots";
import { MessageForm, StrictReader } from "./message/strict_reader";

/** The session that a message belongs to: for a request without one, its caller's activity window. 0 for none. */
export function sessionOf(request: GateRequest, reader: StrictReader): SessionKey {
  const stream = request.exchange.stream;
  const sessions = request.services.sessions;
  if (reader.form != MessageForm.Request) return sessions.keyOrNone(stream);
  const isNamed = reader.token(Slot.MetaVersion) == Token.String;
  const version = reader.textAt(Slot.MetaVersion);
  const revision = isNamed ? revisionOf(version, reader.textLength(Slot.MetaVersion)) : UNKNOWN_REVISION;
  const client = reader.textAt(Slot.MetaClientName);
  return sessions.sessionOfRequest(stream, revision, client, clientNameLength(reader));
}

/** Bytes of the name of the client's software in a message; 0 where it names none, or none that is kept. */
export function clientNameLength(reader: StrictReader): i32 {
  const isNamed =
    reader.token(Slot.MetaClientName) == Token.String && reader.textTotal(Slot.MetaClientName) <= CLIENT_NAME_LIMIT;
  return isNamed ? reader.textLength(Slot.MetaClientName) : 0;
}
