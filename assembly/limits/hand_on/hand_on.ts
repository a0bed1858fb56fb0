import { GateRequest } from "../../gate/stage/request";
import { FilterState } from "../../host/filter_state";
import { PRINCIPAL_LIMIT } from "../../identity/caller";
import { SessionKey } from "../../identity/keys";
import { Token } from "../../json/token";
import { NAME_LIMIT } from "../../mcp/protocol/limits";
import { Method, methodName, methodOf } from "../../mcp/protocol/methods";
import { shownLength } from "../../mcp/protocol/shown_target";
import { makePrintable } from "../../memory/bytes";
import { keyedHash } from "../../memory/keyed_hash";
import { RequestState } from "../../rules/request_state";
import { RuleInput, Target } from "../../rules/message/rule_input";
import { MessageForm } from "../../rules/message/strict_reader";
import { sessionOf } from "../../rules/message_session";
import { Stream } from "../../mcp/state/stream";
import { KnownTools } from "../ledger/known_tools";
import { BYTES_PER_TOKEN, FIRST_ERROR_STATUS, HITS_LIMIT } from "../ledger/token_cost";

/** All names of filter state that the filter sets. */
const NAMES: string[] = [
  "mcp.method",
  "mcp.target",
  "mcp.tool",
  "mcp.server",
  "mcp.principal",
  "mcp.session",
  "mcp.hits",
  "mcp.tokens",
  "mcp.outcome",
  "mcp.rule",
  "mcp.era",
  "mcp.duration_ms",
];
/** The value of `mcp.method` for a batch. */
const BATCH = "_BATCH";
/** The value of `mcp.tool` for a call of a tool that the server is not known to have. */
const OTHER_TOOL = "_OTHER";
/** Buffer for a principal, the longest value. */
const TEXT: usize = heap.alloc(PRINCIPAL_LIMIT);
const DELETE: u8 = 0x7f;

/**
 * Declares the values that the filter sets as text for Envoy's other filters. Must be called in a callback of the
 * plugin instance itself, because Envoy ignores it in callbacks of streams.
 */
export function declareHandOn(state: FilterState): void {
  for (let i = 0; i < NAMES.length; i++) state.declareText(NAMES[i]);
}

/**
 * Sets filter state that describes a request, for Envoy's other filters to limit, authorize or route by. Sets all
 * {@link NAMES} up to `mcp.tokens`, even if the request has no such value: Envoy's `ratelimit` drops a descriptor with
 * a missing value, and would not limit the request. All requests without a value share the empty one. The sink {@link
 * HandOnSink} sets the server and the token costs.
 */
export class HandOn {
  constructor(private state: FilterState) {}

  /** Describes a passing request whose only message is the one in `input`. */
  message(request: GateRequest, state: RequestState, input: RuleInput, tools: KnownTools): void {
    const reader = input.reader;
    const isAnswer = reader.form == MessageForm.Response;
    const known = isAnswer ? Method.None : methodOf(input.method, input.methodLength);
    const method = known == Method.None && !isAnswer ? Method.Other : known;
    const kind = isAnswer ? Target.None : input.target;
    const slot = input.targetSlot;
    const at = reader.textAt(slot);
    const length = kind == Target.None || reader.token(slot) != Token.String ? 0 : reader.textLength(slot);
    const isPlain = length <= <i32>NAME_LIMIT && !reader.isCut(slot) && !hasControls(at, length);
    this.state.setText("mcp.method", methodName(method));
    this.state.set("mcp.target", at, isPlain ? shownLength(method, at, length) : 0);
    if (kind != Target.Tool) this.state.set("mcp.tool", TEXT, 0);
    else if (isPlain && isKnown(request, at, length, tools)) this.state.set("mcp.tool", at, length);
    else this.state.setText("mcp.tool", OTHER_TOOL);
    this.common(request, state, sessionOf(request, reader), reader.form == MessageForm.Request ? 1 : 0);
  }

  /** Describes a passing batch of `requests` requests. */
  batch(request: GateRequest, state: RequestState, requests: i32): void {
    this.state.setText("mcp.method", BATCH);
    this.state.set("mcp.target", TEXT, 0);
    this.state.set("mcp.tool", TEXT, 0);
    this.common(request, state, request.services.sessions.keyOrNone(request.exchange.stream), requests);
  }

  /** Sets the cost of the bytes of a response that was not read, at the end of its stream. Operations that end with
   *  the stream set their cost after this. */
  unread(stream: Stream): void {
    const tokens = stream.unreadSize / BYTES_PER_TOKEN;
    if (!tokens || stream.readSize || stream.isRejected || stream.status >= FIRST_ERROR_STATUS) return;
    this.state.setNumber("mcp.tokens", min(tokens, HITS_LIMIT));
  }

  private common(request: GateRequest, state: RequestState, session: SessionKey, requests: i32): void {
    const stream = request.exchange.stream;
    stream.isHandedOn = true;
    stream.handedSession = session;
    request.services.participants.serverOf(stream);
    // A principal that is longer than its kept part counts as none, because it must not use the allowance of a shorter
    // one.
    this.printable("mcp.principal", state.principal, state.isPrincipalCut ? 0 : state.principalLength);
    if (session) this.state.setHash("mcp.session", session);
    else this.state.set("mcp.session", TEXT, 0);
    this.state.setNumber("mcp.hits", requests);
    this.state.setNumber("mcp.tokens", 0);
  }

  /** Sets a text with question marks in place of everything but printable ASCII, because it may become a header. */
  private printable(name: string, at: usize, length: i32): void {
    memory.copy(TEXT, at, length);
    makePrintable(TEXT, length);
    this.state.set(name, TEXT, length);
  }
}

/** Whether the server is known to have a tool of this name. */
function isKnown(request: GateRequest, at: usize, length: i32, tools: KnownTools): bool {
  return tools.has(request.services.participants.serverOf(request.exchange.stream), keyedHash(at, length));
}

/** Whether a text has control characters, which could end a header. */
function hasControls(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte < 0x20 || byte == DELETE) return true;
  }
  return false;
}
