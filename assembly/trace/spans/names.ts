import { Bytes } from "../../memory/bytes";
import { METHOD_COUNT, methodName } from "../../mcp/protocol/methods";
import { OUTCOME_COUNT, outcomeName } from "../../mcp/protocol/outcome";
import { REVISION_COUNT, revisionName } from "../../mcp/protocol/revisions";
import { SESSION_END_COUNT, SESSION_KIND_COUNT, sessionEndName, sessionKindName } from "../../store/session_entry";

/** The names of enumeration members in spans, as bytes. */
export const METHODS = bytesOf(METHOD_COUNT, methodName);
export const OUTCOMES = bytesOf(OUTCOME_COUNT, outcomeName);
export const REVISIONS = bytesOf(REVISION_COUNT, revisionName);
export const SESSION_KINDS = bytesOf(SESSION_KIND_COUNT, sessionKindName);
export const SESSION_ENDS = bytesOf(SESSION_END_COUNT, sessionEndName);

function bytesOf(count: i32, name: (index: i32) => string): Bytes[] {
  const all: Bytes[] = [];
  for (let i = 0; i < count; i++) all.push(Bytes.of(name(i)));
  return all;
}
