import { RuleAction } from "../../config/access/access_config";
import { LIST_METHODS } from "../../edit/response/list_kind";
import { GateRequest } from "../../gate/stage/request";
import { Token } from "../../json/token";
import { NAME_LIMIT } from "../../mcp/protocol/limits";
import { Method, methodName, methodOf } from "../../mcp/protocol/methods";
import { MODERN_REVISION, UNKNOWN_REVISION, revisionName } from "../../mcp/protocol/revisions";
import { keyedTextHash } from "../../memory/keyed_hash";
import { RequestState } from "../../rules/request_state";
import { ClientMemory } from "../client_memory";
import { RuleInput } from "../../rules/message/rule_input";
import { MemberSlot } from "../../rules/message/deciding_keys";
import { messageIdHash, messageIdKind } from "../../rules/message_id";
import { MessageForm, StrictReader } from "../../rules/message/strict_reader";
import { DEFAULT_RULE, PIN_RULE, Policy } from "../policy/policy";
import { PinMatcher, PinState } from "./pin_matcher";
import { ServerName } from "./server_name";

/**
 * Index of 2025-03-26, the revision that servers must assume for a request without `MCP-Protocol-Version` (2025-06-18,
 * basic/transports, "Protocol Version Header").
 */
const ASSUMED_REVISION: i32 = 2;
/** Buffer for the name of a method. */
const METHOD_NAME: usize = heap.alloc(64);
/** Buffer for the name of a task's tool. */
const TASK_TOOL: usize = heap.alloc(NAME_LIMIT);

/**
 * Assembles the {@link RuleInput} that rules see, from the request headers, the message and its session, and asks the rules.
 */
export class RuleInputReader {
  /** The current message. */
  readonly current: RuleInput = new RuleInput();
  /** Address of the request for whose response `current` is prepared; 0 for none. */
  private prepared: usize = 0;
  /** The request of the current message. */
  private request: GateRequest = changetype<GateRequest>(0);

  constructor(
    private serverName: ServerName,
    private policy: Policy,
    private pins: PinMatcher,
  ) {
    this.current.followsReferences = true;
  }

  /** Sets the values that all messages of a request share. */
  begin(state: RequestState): void {
    const input = this.current;
    this.prepared = 0;
    input.isAnswer = false;
    input.setRevision(headerRevision(state), state.isHttpSse);
    this.serverName.setFor(input);
  }

  /** Sets the values that all parts of the response to a request share. `current` then represents these parts one after
   *  the other. */
  prepare(state: RequestState, request: GateRequest): void {
    const address = changetype<usize>(state);
    if (this.prepared == address) return;
    this.begin(state);
    this.prepared = address;
    const input = this.current;
    this.recallClient(request);
    if (state.statesList) input.setRevision(statedRevision(state), state.isHttpSse);
    if (!state.statesClient) return;
    input.knowsClient = state.knowsClient;
    input.clientMatches = state.clientMatches;
  }

  /** Sets everything that messages may state about the client to unknown. */
  leaveClientOpen(): void {
    const input = this.current;
    input.setRevision("", false);
    input.knowsClient = false;
  }

  /** Handles the end of the request. */
  forget(state: RequestState): void {
    if (this.prepared == changetype<usize>(state)) this.prepared = 0;
  }

  private recallClient(request: GateRequest): void {
    const input = this.current;
    const services = request.services;
    const clients = this.policy.clients;
    // It is always a ClientMemory. Its declared type is a sink, because mcp/ must not import access/.
    const memory = changetype<ClientMemory>(services.clientNames).of(clients);
    const recalled = clients.isEmpty ? 0 : memory.recall(services.sessions.keyOrNone(request.exchange.stream));
    input.knowsClient = recalled != 0;
    input.clientMatches = recalled;
  }

  /** Sets the current message from the reader, which has just read it. */
  read(state: RequestState, reader: StrictReader, request: GateRequest): void {
    const input = this.current;
    const stream = request.exchange.stream;
    const services = request.services;
    this.prepared = 0;
    this.request = request;
    this.recallClient(request);
    if (reader.form == MessageForm.Request) this.noteList(state, reader, request);
    if (reader.form != MessageForm.Response) {
      input.setRequest(reader);
      if (input.isAboutTask && this.policy.namesTools) this.findTask(reader, request);
      return;
    }
    const kind = messageIdKind(reader);
    const asked = services.pairing.askedMethod(stream, kind, messageIdHash(reader, kind));
    const name = asked == Method.None || asked == Method.Other ? "" : methodName(asked);
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, METHOD_NAME);
    input.setAnswer(reader, METHOD_NAME, name.length);
  }

  /** Determines which tool the message's task belongs to. */
  private findTask(reader: StrictReader, request: GateRequest): void {
    if (reader.token(MemberSlot.TaskId) != Token.String) return;
    const tasks = request.services.tasks;
    const length = tasks.findTool(request.exchange.stream, hashOf(reader, MemberSlot.TaskId));
    memory.copy(TASK_TOOL, tasks.toolName, length);
    this.current.setTask(TASK_TOOL, length);
  }

  /** Keeps the values of a list request that its response needs. */
  private noteList(state: RequestState, reader: StrictReader, request: GateRequest): void {
    const kind = LIST_METHODS.indexOf(methodOf(reader.textAt(MemberSlot.Method), reader.textLength(MemberSlot.Method)));
    if (kind < 0) return;
    const idLength = reader.isBatch ? 0 : reader.textLength(MemberSlot.Id);
    request.asksForList(kind, reader.textAt(MemberSlot.Id), idLength, reader.token(MemberSlot.Id) == Token.String);
    const input = this.current;
    input.setRequest(reader);
    state.statesList = true;
    state.statedRevision = <i8>input.statedRevision;
    state.statesClient = input.statesClient;
    const clients = this.policy.clients;
    if (!state.statesClient || clients.isEmpty) return;
    state.knowsClient =
      reader.token(MemberSlot.MetaClientName) == Token.String && !reader.isCut(MemberSlot.MetaClientName);
    state.clientMatches = state.knowsClient
      ? clients.matches(reader.textAt(MemberSlot.MetaClientName), reader.textLength(MemberSlot.MetaClientName))
      : 0;
  }

  /** The rule that decides the current message, which is in the reader. */
  decide(state: RequestState, reader: StrictReader): i32 {
    const rule = this.decideByRules(state, reader);
    if (this.isDenial(rule) || !this.pins.isEnforced(state)) return rule;
    return this.pins.stateOf(state, this.request, this.current) == PinState.Pinned ? rule : PIN_RULE;
  }

  private decideByRules(state: RequestState, reader: StrictReader): i32 {
    const policy = this.policy;
    const input = this.current;
    const rule = this.decideAll(state);
    // A client's error response tells the server nothing. It is also how a denied server request is answered.
    if (input.isAnswer && reader.has(MemberSlot.Error) && !reader.has(MemberSlot.Result) && this.isDenial(rule))
      return DEFAULT_RULE;
    if (!policy.rulesAnswers || !reader.has(MemberSlot.InputResponses) || this.isDenial(rule)) return rule;
    // A continued request (2026-07-28, basic/patterns/mrtr) contains responses too, but not the server requests that
    // they answer.
    input.setAnswer(reader, 0, 0);
    const answerRule = policy.decide(state.matches, input);
    if (this.isDenial(answerRule)) return answerRule;
    input.setRequest(reader);
    return rule;
  }

  /** The rule that decides the current message. For a subscription, the first rule that denies one of its resources. */
  private decideAll(state: RequestState): i32 {
    const input = this.current;
    let rule = this.policy.decide(state.matches, input);
    for (let i = 1; i < input.subscriptionCount && !this.isDenial(rule); i++) {
      input.subscription = i;
      rule = this.policy.decide(state.matches, input);
    }
    return rule;
  }

  /** Whether the rule denies the current message. */
  isDenial(rule: i32): bool {
    return this.policy.actionOf(rule, this.current) == RuleAction.Deny;
  }

  /** The name of the header, `Mcp-Method` or `Mcp-Name`, that is missing or does not match the current request;
   *  empty if both match (2026-07-28, basic/transports/streamable-http, "Server Validation"). */
  mismatchedHeader(state: RequestState, reader: StrictReader): string {
    // HTTP+SSE has no such headers.
    if (state.isHttpSse || reader.form != MessageForm.Request) return "";
    const modern = revisionName(MODERN_REVISION);
    if (state.revision != MODERN_REVISION && !reader.isText(MemberSlot.MetaVersion, modern)) return "";
    const method = hashOf(reader, MemberSlot.Method);
    if (state.methodHash != method && state.methodLineHash != method) return "Mcp-Method";
    const slot = this.current.mirroredSlot;
    if (slot == MemberSlot.Message || !reader.has(slot)) return "";
    const name = hashOf(reader, slot);
    return state.nameHash != name && state.nameLineHash != name ? "Mcp-Name" : "";
  }
}

/** The revision in the headers; empty if they name no known one or no server reads them. */
function headerRevision(state: RequestState): string {
  const revision = state.hasRevision ? state.revision : ASSUMED_REVISION;
  const isKnown = !state.isHttpSse && revision != UNKNOWN_REVISION;
  return isKnown ? revisionName(revision) : "";
}

/** The revision of the calls of a client that requested a list; empty if unknown. */
function statedRevision(state: RequestState): string {
  const stated: i32 = state.statedRevision;
  if (stated < 0) return headerRevision(state);
  return stated == UNKNOWN_REVISION ? "" : revisionName(stated);
}

function hashOf(reader: StrictReader, slot: i32): u64 {
  return keyedTextHash(reader.textAt(slot), reader.textLength(slot), reader.textTotal(slot));
}
