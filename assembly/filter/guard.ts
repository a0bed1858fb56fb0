import { Call } from "../access/message/call";
import { Caller } from "../identity/caller";
import { AccessCheck } from "../access/check";
import { Denial } from "../access/denial";
import { Outlook, Policy } from "../access/policy/policy";
import { Principals } from "../identity/principals";
import { AccessRefusal, refusalName } from "../access/message/refusal";
import { Slot } from "../access/message/slots";
import { MessageForm, Reading, StrictReader } from "../access/message/strict_reader";
import { DenialForm, RuleAction } from "../config/access/access_config";
import { PluginConfig } from "../config/plugin_config";
import { Log } from "../host/log";
import { NamedPaths } from "../http/named_paths";
import { Exchange, isCandidate } from "../mcp/exchange/exchange";
import { HttpMethod } from "../http/http_method";
import { RequestHead } from "../mcp/headers/request_head";
import { Method, methodOf } from "../mcp/protocol/methods";
import { UNKNOWN_REVISION } from "../mcp/protocol/revisions";
import { BodyReader } from "./body_reader";
import { CallReader } from "./call_reader";
import { DecisionLog } from "./decision_log";
import { DenialHeaders } from "./denial_headers";
import { Host, Unit } from "./unit";

const NO_RULE: i32 = -2;

/** Carries out the access policy of a plugin instance: decides requests by their messages, and answers what is denied. */
export class Guard {
  readonly policy: Policy;
  /** Requests that know it by its address. */
  users: i32 = 0;
  private principals: Principals;
  private decisions: DecisionLog;
  private caller: Caller = new Caller();
  private calls: CallReader;
  /** The message in hand. */
  private call: Call;
  private denial: Denial = new Denial();
  private headers: DenialHeaders;

  constructor(
    config: PluginConfig,
    /** Those of `match.paths`. */
    private paths: NamedPaths,
    private host: Host,
    log: Log,
    private body: BodyReader,
    isNewer: bool = false,
  ) {
    const policy = new Policy(config.access!);
    this.policy = policy;
    this.headers = new DenialHeaders(policy.config.denialCors);
    this.principals = new Principals(policy.config, host.properties);
    this.decisions = new DecisionLog(policy, host, log, isNewer);
    const calls = new CallReader(config.server, host.properties, policy.clients);
    this.calls = calls;
    this.call = calls.call;
  }

  /** Whether the policy is about a request, as far as its headers tell: the operator's paths and, of a closed policy,
   *  whatever looks like MCP, or all JSON where the paths are not known. */
  governs(head: RequestHead, endOfStream: bool): bool {
    if (!head.mayBringMessages(endOfStream)) return false;
    if (head.endpoint != 0 || this.isNamed(head)) return true;
    const config = this.policy.config;
    if (!config.isClosed || !head.isJsonPost) return false;
    return config.isAboutAnyPath || isCandidate(head, false);
  }

  private isNamed(head: RequestHead): bool {
    return this.paths.include(head.path, head.pathLength, head.targetLength);
  }

  /** The head of a request that may bring messages. Returns what is known of it. */
  begin(stream: u32, exchange: Exchange, head: RequestHead, unit: Unit): AccessCheck {
    const check = AccessCheck.take();
    check.owner = changetype<usize>(this);
    check.exchange = changetype<usize>(exchange);
    check.stream = stream;
    check.isMcp = !this.policy.config.isClosed || head.hasMcpHeader || head.endpoint != 0;
    if (!check.isMcp) check.isMcp = this.isNamed(head);
    check.mayBeEmpty = head.method != HttpMethod.Post && head.method != HttpMethod.Other;
    check.isHttpSse = head.endpoint != 0;
    check.wantsStatus = check.isHttpSse || head.looksLikeHttpSse;
    check.hasRevision = head.hasRevision;
    check.revision = head.namesTwoRevisions ? UNKNOWN_REVISION : head.revision;
    check.origin = this.headers.numberOf(head.origin, head.originLength);
    check.methodHash = head.mirrored.method;
    check.nameHash = head.mirrored.name;
    check.keepRequestId(head.requestId, head.requestIdLength);
    this.users++;
    check.other = exchange.check;
    exchange.check = changetype<usize>(check);
    this.principals.find(this.caller, head.forwarded, head.forwardedLength);
    check.keepPrincipal(this.caller);
    this.decisions.caller(check);
    this.calls.begin(check);
    const outlook = this.policy.outlook(this.caller, this.host.properties, this.call, check.matches);
    const isAllowed = outlook == Outlook.Allowed;
    check.isHeld = this.policy.isEnforced && !isAllowed;
    let refusal = AccessRefusal.None;
    if (head.isUpgrade || head.method == HttpMethod.Connect) refusal = AccessRefusal.Upgrade;
    else if (head.compressed) refusal = AccessRefusal.Compressed;
    else if (!head.isPlainJson && !check.mayBeEmpty) refusal = AccessRefusal.ContentType;
    if (refusal && check.isHeld) this.refuse(check, exchange, refusal, unit);
    else if (refusal && !isAllowed) this.decisions.refusal(exchange, check, refusal, unit);
    else if (!check.isHeld) check.reader = changetype<usize>(StrictReader.take(this.policy.keys.message));
    return check;
  }

  /** Bytes of a request that is not held, which pass whatever they say. */
  watch(check: AccessCheck, exchange: Exchange, at: usize, length: usize, unit: Unit): void {
    const reader = changetype<StrictReader>(check.reader);
    check.size += length;
    if (!this.policy.isEnforced && check.size > this.policy.config.maxBodyBytes) {
      this.decisions.refusal(exchange, check, AccessRefusal.TooLarge, unit);
      return this.stopWatch(check);
    }
    reader.feed(at, length);
    while (reader.next() == Reading.Message) {
      this.calls.begin(check);
      this.calls.take(reader, exchange, unit);
      this.decisions.message(exchange, check, this.call, this.decide(check, reader), false, unit);
    }
  }

  /** The end of a request that is not held. */
  endWatch(check: AccessCheck, exchange: Exchange, unit: Unit): void {
    const reader = changetype<StrictReader>(check.reader);
    if (!this.policy.isEnforced && !check.isEmpty) {
      let refusal = AccessRefusal.None;
      let header = "";
      if (!reader.finish()) {
        refusal = reader.refusal;
      } else if (!reader.isBatch) {
        this.calls.take(reader, exchange, unit);
        header = this.calls.mismatchedHeader(check, reader);
        if (header.length) refusal = AccessRefusal.HeaderMismatch;
      }
      if (refusal) this.decisions.refusal(exchange, check, refusal, unit, reader.refusedKey, header);
    }
    this.stopWatch(check);
  }

  private stopWatch(check: AccessCheck): void {
    if (check.reader) changetype<StrictReader>(check.reader).release();
    check.reader = 0;
  }

  /** The request is over, whatever became of it: nothing is known of it any more. */
  close(check: AccessCheck): void {
    this.users--;
    this.stopWatch(check);
    check.release();
  }

  /** A held request has come to `size` bytes, with more to come: refuses it where these are too many. */
  grow(check: AccessCheck, exchange: Exchange, size: usize, unit: Unit): void {
    check.size = size;
    if (size > this.policy.config.maxBodyBytes) this.refuse(check, exchange, AccessRefusal.TooLarge, unit);
  }

  /** A held request is whole: decides it. It is denied if `check.isAnswered` then. */
  conclude(check: AccessCheck, exchange: Exchange, unit: Unit): void {
    if (check.isEmpty) {
      check.isHeld = false;
      return;
    }
    this.calls.begin(check);
    const reader = StrictReader.take(this.policy.keys.message);
    const body = this.body;
    let rule = NO_RULE;
    let isDenied = false;
    body.begin(check.size);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) {
        const method = methodOf(reader.textAt(Slot.Method), reader.textLength(Slot.Method));
        if (method != Method.None) check.isMcp = true;
        if (isDenied) continue;
        this.calls.take(reader, exchange, unit);
        rule = this.decide(check, reader);
        isDenied = this.isDenial(rule);
      }
    }
    if (check.isMcp || (check.size > 0 && !isNoMcp(reader))) this.judge(check, exchange, reader, rule, isDenied, unit);
    reader.release();
    // What is denied stays where it is.
    check.isHeld = check.isAnswered;
  }

  /** A held request has been read to its end: carries out what was decided of it. */
  private judge(
    check: AccessCheck,
    exchange: Exchange,
    reader: StrictReader,
    rule: i32,
    isDenied: bool,
    unit: Unit,
  ): void {
    const body = this.body;
    if (body.total < check.size) this.refuse(check, exchange, AccessRefusal.Internal, unit);
    else if (body.total > this.policy.config.maxBodyBytes) this.refuse(check, exchange, AccessRefusal.TooLarge, unit);
    else if (!reader.finish()) this.refuse(check, exchange, reader.refusal, unit, reader.refusedKey);
    else if (reader.isBatch) this.concludeBatch(check, exchange, isDenied, rule, unit);
    else this.concludeMessage(check, exchange, reader, rule, isDenied, unit);
  }

  /** Refuses a request whose messages cannot be decided. `member`: the address of the Key of the member at fault; 0 for
   *  none. */
  refuse(check: AccessCheck, exchange: Exchange, refusal: AccessRefusal, unit: Unit, member: usize = 0): void {
    this.decisions.refusal(exchange, check, refusal, unit, member);
    this.denial.begin(false);
    this.denial.refuse(refusal);
    if (refusal == AccessRefusal.NoBody) return this.send(check, exchange, 503, "mcp_access_refused[no_body]", unit);
    this.answer(check, exchange, "mcp_access_refused[" + refusalName(refusal) + "]", unit);
  }

  private concludeMessage(
    check: AccessCheck,
    exchange: Exchange,
    reader: StrictReader,
    rule: i32,
    isDenied: bool,
    unit: Unit,
  ): void {
    const header = isDenied ? "" : this.calls.mismatchedHeader(check, reader);
    if (header.length) return this.answerMismatch(check, exchange, reader, header, unit);
    this.decisions.message(exchange, check, this.call, rule, false, unit);
    if (!isDenied) return;
    this.denial.begin(false);
    if (reader.form == MessageForm.Request) this.denyRequest(reader, rule, unit);
    this.answer(check, exchange, "mcp_access_denied[" + this.decisions.ruleName(rule, unit) + "]", unit);
  }

  /** Goes through a batch once more: each of its messages is counted, and answered if one is denied. */
  private concludeBatch(check: AccessCheck, exchange: Exchange, isDenied: bool, deniedBy: i32, unit: Unit): void {
    const reader = StrictReader.take(this.policy.keys.message);
    const body = this.body;
    this.denial.begin(true);
    body.begin(check.size);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) {
        this.calls.take(reader, exchange, unit);
        const rule = this.decide(check, reader);
        const isCollateral = isDenied && !this.isDenial(rule);
        this.decisions.message(exchange, check, this.call, rule, isCollateral, unit);
        if (isDenied && reader.form == MessageForm.Request)
          this.denyRequest(reader, isCollateral ? deniedBy : rule, unit);
      }
    }
    this.denial.end();
    reader.release();
    if (isDenied)
      this.answer(check, exchange, "mcp_access_denied[" + this.decisions.ruleName(deniedBy, unit) + "]", unit);
  }

  private denyRequest(reader: StrictReader, rule: i32, unit: Unit): void {
    const isToolCall = reader.isText(Slot.Method, "tools/call");
    this.denial.deny(reader, this.decisions.ruleName(rule, unit), this.policy.config.denialForm, isToolCall);
  }

  private answerMismatch(
    check: AccessCheck,
    exchange: Exchange,
    reader: StrictReader,
    header: string,
    unit: Unit,
  ): void {
    this.decisions.refusal(exchange, check, AccessRefusal.HeaderMismatch, unit, 0, header);
    this.denial.begin(false);
    this.denial.mismatch(reader);
    this.send(check, exchange, 400, "mcp_access_refused[header_mismatch]", unit);
  }

  /** Answers what is denied: clients of HTTP+SSE and the operator may want an HTTP status, and nobody waits for more than
   *  that where no request is denied. */
  private answer(check: AccessCheck, exchange: Exchange, details: string, unit: Unit): void {
    const config = this.policy.config;
    let status = config.denialForm == DenialForm.Status ? config.denialStatus : check.wantsStatus ? 403 : 200;
    if (this.denial.isEmpty) status = 202;
    this.send(check, exchange, status, details, unit);
  }

  private send(check: AccessCheck, exchange: Exchange, status: i32, details: string, unit: Unit): void {
    check.isAnswered = true;
    exchange.deny(unit);
    const hasBody = !this.denial.isEmpty;
    const headers = this.headers.of(check.origin, hasBody);
    this.host.replies.send(status, details, this.denial.at, hasBody ? this.denial.length : 0, headers);
  }

  /** The rule that decides the message in hand. */
  private decide(check: AccessCheck, reader: StrictReader): i32 {
    const rule = this.policy.decide(check.matches, this.call);
    if (!this.policy.rulesAnswers || !reader.has(Slot.InputResponses) || this.isDenial(rule)) return rule;
    // A request that goes on (2026-07-28, basic/patterns/mrtr) brings answers too; what was asked, it does not say.
    this.call.setAnswer(reader, 0, 0);
    const answerRule = this.policy.decide(check.matches, this.call);
    if (this.isDenial(answerRule)) return answerRule;
    this.call.setRequest(reader);
    return rule;
  }

  private isDenial(rule: i32): bool {
    return this.policy.actionOf(rule, this.call) == RuleAction.Deny;
  }
}

/** The guard that began the check. */
export function guardOf(check: AccessCheck): Guard {
  return changetype<Guard>(check.owner);
}

/** Whether what was read is JSON of another kind than JSON-RPC, or JSON-RPC of another kind than MCP. */
function isNoMcp(reader: StrictReader): bool {
  if (reader.finish()) return true;
  // A server may take what is good of a batch.
  if (reader.isBatch) return false;
  if (reader.count == 0) return reader.refusal == AccessRefusal.NoMessage;
  return reader.refusal == AccessRefusal.NoMessage && !reader.has(Slot.JsonRpc) && !reader.has(Slot.Method);
}
