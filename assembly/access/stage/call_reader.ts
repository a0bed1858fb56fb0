import { RuleAction } from "../../config/access/access_config";
import { LIST_METHODS } from "../../edit/response/list_kind";
import { GateRequest } from "../../gate/stage/request";
import { Token } from "../../json/token";
import { NAME_LIMIT } from "../../mcp/protocol/limits";
import { Method, methodName, methodOf } from "../../mcp/protocol/methods";
import { MODERN_REVISION, UNKNOWN_REVISION, revisionName } from "../../mcp/protocol/revisions";
import { keyedTextHash } from "../../memory/keyed_hash";
import { CheckedRequest } from "../../rules/checked_request";
import { ClientMemory } from "../client_memory";
import { Call } from "../../rules/message/call";
import { Slot } from "../../rules/message/slots";
import { messageIdHash, messageIdKind } from "../../rules/message_id";
import { MessageForm, StrictReader } from "../../rules/message/strict_reader";
import { DEFAULT_RULE, PIN_RULE, Policy } from "../policy/policy";
import { PinCheck, PinState } from "./pin_check";
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
 * Assembles the {@link Call} that rules see, from the request headers, the message and its session, and asks the rules.
 */
export class CallReader {
  /** The current message. */
  readonly call: Call = new Call();
  /** Address of the request for whose response `call` is prepared; 0 for none. */
  private prepared: usize = 0;
  /** The request of the current message. */
  private request: GateRequest = changetype<GateRequest>(0);

  constructor(
    private serverName: ServerName,
    private policy: Policy,
    private pins: PinCheck,
  ) {
    this.call.followsReferences = true;
  }

  /** Sets the values that all messages of a request share. */
  begin(check: CheckedRequest): void {
    const call = this.call;
    this.prepared = 0;
    call.isAnswer = false;
    call.setRevision(headerRevision(check), check.isHttpSse);
    this.serverName.setFor(call);
  }

  /** Sets the values that all parts of the response to a request share. `call` then represents these parts one after
   *  the other. */
  prepare(check: CheckedRequest, request: GateRequest): void {
    const address = changetype<usize>(check);
    if (this.prepared == address) return;
    this.begin(check);
    this.prepared = address;
    const call = this.call;
    this.recallClient(request);
    if (check.statesList) call.setRevision(statedRevision(check), check.isHttpSse);
    if (!check.statesClient) return;
    call.knowsClient = check.knowsClient;
    call.clientMatches = check.clientMatches;
  }

  /** Sets everything that messages may state about the client to unknown. */
  leaveClientOpen(): void {
    const call = this.call;
    call.setRevision("", false);
    call.knowsClient = false;
  }

  /** Handles the end of the request. */
  forget(check: CheckedRequest): void {
    if (this.prepared == changetype<usize>(check)) this.prepared = 0;
  }

  private recallClient(request: GateRequest): void {
    const call = this.call;
    const services = request.services;
    const clients = this.policy.clients;
    // It is always a ClientMemory. Its declared type is a sink, because mcp/ must not import access/.
    const memory = changetype<ClientMemory>(services.clientNames).of(clients);
    const recalled = clients.isEmpty ? 0 : memory.recall(services.sessions.keyOrNone(request.exchange.stream));
    call.knowsClient = recalled != 0;
    call.clientMatches = recalled;
  }

  /** Sets the current message from the reader, which has just read it. */
  read(check: CheckedRequest, reader: StrictReader, request: GateRequest): void {
    const call = this.call;
    const stream = request.exchange.stream;
    const services = request.services;
    this.prepared = 0;
    this.request = request;
    this.recallClient(request);
    if (reader.form == MessageForm.Request) this.noteList(check, reader, request);
    if (reader.form != MessageForm.Response) {
      call.setRequest(reader);
      if (call.isAboutTask && this.policy.namesTools) this.findTask(reader, request);
      return;
    }
    const kind = messageIdKind(reader);
    const asked = services.pairing.askedMethod(stream, kind, messageIdHash(reader, kind));
    const name = asked == Method.None || asked == Method.Other ? "" : methodName(asked);
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, METHOD_NAME);
    call.setAnswer(reader, METHOD_NAME, name.length);
  }

  /** Determines which tool the message's task belongs to. */
  private findTask(reader: StrictReader, request: GateRequest): void {
    if (reader.token(Slot.TaskId) != Token.String) return;
    const tasks = request.services.tasks;
    const length = tasks.findTool(request.exchange.stream, hashOf(reader, Slot.TaskId));
    memory.copy(TASK_TOOL, tasks.toolName, length);
    this.call.setTask(TASK_TOOL, length);
  }

  /** Keeps the values of a list request that its response needs. */
  private noteList(check: CheckedRequest, reader: StrictReader, request: GateRequest): void {
    const kind = LIST_METHODS.indexOf(methodOf(reader.textAt(Slot.Method), reader.textLength(Slot.Method)));
    if (kind < 0) return;
    const idLength = reader.isBatch ? 0 : reader.textLength(Slot.Id);
    request.asksForList(kind, reader.textAt(Slot.Id), idLength, reader.token(Slot.Id) == Token.String);
    const call = this.call;
    call.setRequest(reader);
    check.statesList = true;
    check.statedRevision = <i8>call.statedRevision;
    check.statesClient = call.statesClient;
    const clients = this.policy.clients;
    if (!check.statesClient || clients.isEmpty) return;
    check.knowsClient = reader.token(Slot.MetaClientName) == Token.String && !reader.isCut(Slot.MetaClientName);
    check.clientMatches = check.knowsClient
      ? clients.matches(reader.textAt(Slot.MetaClientName), reader.textLength(Slot.MetaClientName))
      : 0;
  }

  /** The rule that decides the current message, which is in the reader. */
  decide(check: CheckedRequest, reader: StrictReader): i32 {
    const rule = this.decideByRules(check, reader);
    if (this.isDenial(rule) || !this.pins.isEnforced(check)) return rule;
    return this.pins.stateOf(check, this.request, this.call) == PinState.Pinned ? rule : PIN_RULE;
  }

  private decideByRules(check: CheckedRequest, reader: StrictReader): i32 {
    const policy = this.policy;
    const call = this.call;
    const rule = this.decideAll(check);
    // A client's error response tells the server nothing. It is also how a denied server request is answered.
    if (call.isAnswer && reader.has(Slot.Error) && !reader.has(Slot.Result) && this.isDenial(rule)) return DEFAULT_RULE;
    if (!policy.rulesAnswers || !reader.has(Slot.InputResponses) || this.isDenial(rule)) return rule;
    // A continued request (2026-07-28, basic/patterns/mrtr) contains responses too, but not the server requests that
    // they answer.
    call.setAnswer(reader, 0, 0);
    const answerRule = policy.decide(check.matches, call);
    if (this.isDenial(answerRule)) return answerRule;
    call.setRequest(reader);
    return rule;
  }

  /** The rule that decides the current message. For a subscription, the first rule that denies one of its resources. */
  private decideAll(check: CheckedRequest): i32 {
    const call = this.call;
    let rule = this.policy.decide(check.matches, call);
    for (let i = 1; i < call.subscriptionCount && !this.isDenial(rule); i++) {
      call.subscription = i;
      rule = this.policy.decide(check.matches, call);
    }
    return rule;
  }

  /** Whether the rule denies the current message. */
  isDenial(rule: i32): bool {
    return this.policy.actionOf(rule, this.call) == RuleAction.Deny;
  }

  /** The name of the header, `Mcp-Method` or `Mcp-Name`, that is missing or does not match the current request;
   *  empty if both match (2026-07-28, basic/transports/streamable-http, "Server Validation"). */
  mismatchedHeader(check: CheckedRequest, reader: StrictReader): string {
    // HTTP+SSE has no such headers.
    if (check.isHttpSse || reader.form != MessageForm.Request) return "";
    const modern = revisionName(MODERN_REVISION);
    if (check.revision != MODERN_REVISION && !reader.isText(Slot.MetaVersion, modern)) return "";
    const method = hashOf(reader, Slot.Method);
    if (check.methodHash != method && check.methodLineHash != method) return "Mcp-Method";
    const slot = this.call.mirroredSlot;
    if (slot == Slot.Message || !reader.has(slot)) return "";
    const name = hashOf(reader, slot);
    return check.nameHash != name && check.nameLineHash != name ? "Mcp-Name" : "";
  }
}

/** The revision in the headers; empty if they name no known one or no server reads them. */
function headerRevision(check: CheckedRequest): string {
  const revision = check.hasRevision ? check.revision : ASSUMED_REVISION;
  const isKnown = !check.isHttpSse && revision != UNKNOWN_REVISION;
  return isKnown ? revisionName(revision) : "";
}

/** The revision of the calls of a client that requested a list; empty if unknown. */
function statedRevision(check: CheckedRequest): string {
  const stated: i32 = check.statedRevision;
  if (stated < 0) return headerRevision(check);
  return stated == UNKNOWN_REVISION ? "" : revisionName(stated);
}

function hashOf(reader: StrictReader, slot: i32): u64 {
  return keyedTextHash(reader.textAt(slot), reader.textLength(slot), reader.textTotal(slot));
}
