import { RuleAction } from "../../config/access/access_config";
import { GateRequest } from "../../gate/stage/request";
import { Servers } from "../../identity/servers";
import { Token } from "../../json/token";
import { IdKind, idHash } from "../../jsonrpc/id";
import { Method, methodName } from "../../mcp/protocol/methods";
import { MODERN_REVISION, UNKNOWN_REVISION, revisionName } from "../../mcp/protocol/revisions";
import { keyedTextHash } from "../../memory/keyed_hash";
import { CheckedRequest } from "../../rules/checked_request";
import { ClientMemory } from "../client_memory";
import { Call } from "../../rules/message/call";
import { Slot } from "../../rules/message/slots";
import { MessageForm, StrictReader } from "../../rules/message/strict_reader";
import { Policy } from "../policy/policy";

/** What servers are to take a request without `MCP-Protocol-Version` for (2025-06-18, basic/transports, "Protocol Version
 *  Header"): 2025-03-26. */
const ASSUMED_REVISION: i32 = 2;
/** Room for the name of a method. */
const METHOD_NAME: usize = heap.alloc(64);

/** Puts together what rules see of a message, from its request's head, the message and its session, and asks the rules. */
export class CallReader {
  /** The current message. */
  readonly call: Call = new Call();

  constructor(
    private servers: Servers,
    private policy: Policy,
  ) {}

  /** Sets what is the same for all messages of a request. */
  begin(check: CheckedRequest): void {
    const call = this.call;
    call.isAnswer = false;
    const revision = check.hasRevision ? check.revision : ASSUMED_REVISION;
    const isKnown = !check.isHttpSse && revision != UNKNOWN_REVISION;
    call.setRevision(isKnown ? revisionName(revision) : "", check.isHttpSse);
    const servers = this.servers;
    servers.resolve();
    // Where the configured name has no value, rules must not mistake the name of the cluster for it.
    call.setServer(servers.at, servers.isFallback ? 0 : servers.length);
  }

  /** Makes the message current that the reader has just read. */
  read(reader: StrictReader, request: GateRequest): void {
    const call = this.call;
    const stream = request.exchange.stream;
    const services = request.services;
    const clients = this.policy.clients;
    // It is always a ClientMemory: mcp/ must not import access/, and declares it as a sink.
    const memory = changetype<ClientMemory>(services.clientNames).of(clients);
    const recalled = clients.isEmpty ? 0 : memory.recall(services.sessions.keyOrNone(stream));
    call.knowsClient = recalled != 0;
    call.clientMatches = recalled;
    if (reader.form != MessageForm.Response) return call.setRequest(reader);
    const kind = reader.token(Slot.Id) == Token.String ? IdKind.String : IdKind.Number;
    const length = reader.textLength(Slot.Id);
    const asked = services.pairing.askedMethod(stream, kind, idHash(kind, reader.textAt(Slot.Id), length, length));
    const name = asked == Method.None || asked == Method.Other ? "" : methodName(asked);
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, METHOD_NAME);
    call.setAnswer(reader, METHOD_NAME, name.length);
  }

  /** The rule that decides the current message, which is in the reader. */
  decide(check: CheckedRequest, reader: StrictReader): i32 {
    const policy = this.policy;
    const call = this.call;
    const rule = policy.decide(check.matches, call);
    if (!policy.rulesAnswers || !reader.has(Slot.InputResponses) || this.isDenial(rule)) return rule;
    // A request that goes on (2026-07-28, basic/patterns/mrtr) brings answers too; what was asked, it does not say.
    call.setAnswer(reader, 0, 0);
    const answerRule = policy.decide(check.matches, call);
    if (this.isDenial(answerRule)) return answerRule;
    call.setRequest(reader);
    return rule;
  }

  /** Whether the rule denies the current message. */
  isDenial(rule: i32): bool {
    return this.policy.actionOf(rule, this.call) == RuleAction.Deny;
  }

  /** The header, of `Mcp-Method` and `Mcp-Name`, that is missing or does not match the current request; empty where both
   *  match (2026-07-28, basic/transports/streamable-http, "Server Validation"). */
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

function hashOf(reader: StrictReader, slot: i32): u64 {
  return keyedTextHash(reader.textAt(slot), reader.textLength(slot), reader.textTotal(slot));
}
