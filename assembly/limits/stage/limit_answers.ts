import { RateConfig } from "../../config/limits/limits_config";
import { DenialForm } from "../../config/rules/rule_config";
import { GateRequest } from "../../gate/stage/request";
import { Verdict } from "../../gate/stage/verdict";
import { JsonWriter } from "../../json/writer";
import { Outcome, rejectionCode } from "../../mcp/protocol/outcome";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { AnswerBody } from "../../rules/answer_body";
import { AnswerHeaders } from "../../rules/answer_headers";
import { RequestState } from "../../rules/request_state";
import { RequestFault, requestFaultName } from "../../rules/message/request_fault";
import { MemberSlot } from "../../rules/message/deciding_keys";
import { rejectMessage, rejectedRequest } from "../../rules/rejected_message";
import { StrictReader } from "../../rules/message/strict_reader";
import { LimitFacts } from "./limit_facts";
import { LimitKind, LimitRule, limitKindName } from "../rules/limit_rule";
import { Rejection } from "../rules/rejection";
import { SpecialLimit, specialLimitName } from "../rules/special_limit";

/** MCP reserves -32023 for limits, but has not defined it yet. */
const CODE = rejectionCode(Outcome.Limited).toString();
const REFUSED_CODE = rejectionCode(Outcome.Denied).toString();
/**
 * Delays are rounded up to a multiple of this fraction of the period, so that they do not reveal when others called.
 */
const PARTS_OF_PERIOD: u64 = 10;
const MILLISECONDS_PER_SECOND: u64 = 1000;

/** Creates the verdicts that answer limited requests. */
export class LimitAnswers {
  private body: AnswerBody = new AnswerBody();
  private headers: AnswerHeaders;
  private retryAfterMs: u64 = 0;

  /** @param origins the origins whose web pages may read answers */
  constructor(origins: string[]) {
    this.headers = new AnswerHeaders(origins);
  }

  /** The number of a request's `Origin` (`length` bytes at `at`); 0 if it is empty or not listed. */
  originOf(at: usize, length: i32): u16 {
    return <u16>this.headers.numberOf(at, length);
  }

  /** Begins the answer to a message, or to a batch if `isBatch`. Call {@link add} for each request, then {@link
   *  finish}. */
  begin(isBatch: bool): void {
    this.body.begin(isBatch);
  }

  /** Answers the request in the reader. */
  add(reader: StrictReader, rejection: Rejection): void {
    const body = this.body;
    const rule = rejection.rule!;
    this.retryAfterMs = retryAfterMs(rejection);
    body.beginAnswer(reader);
    if (rule.form != DenialForm.Result || !reader.isText(MemberSlot.Method, "tools/call")) {
      return this.endWithError(rejection, rule);
    }
    body.beginToolError();
    writeSentence(body.writer, rejection, rule, this.retryAfterMs);
    body.endToolError(reader);
  }

  /** Answers the request in the reader, which an earlier stage has rejected. */
  repeat(request: GateRequest, reader: StrictReader): void {
    const rejected = rejectedRequest(request, reader);
    if (rejected) this.body.repeat(reader, rejected);
  }

  /** Keeps the request in the reader from the server. Its response gets an error with the reason. */
  reject(state: RequestState, request: GateRequest, reader: StrictReader, rejection: Rejection): void {
    const body = this.body;
    this.retryAfterMs = retryAfterMs(rejection);
    body.beginError();
    this.writeError(rejection, rejection.rule!);
    rejectMessage(request, state, reader, Outcome.Limited, body.at, body.length);
  }

  /** Ends the answer and returns it as a verdict. */
  finish(state: RequestState, rejection: Rejection): Verdict {
    const rule = rejection.rule!;
    this.body.end();
    const isStatus = rule.form == DenialForm.Status || state.wantsStatus;
    return this.answer(state, isStatus ? 429 : 200, "mcp_limited[" + rule.name + "]");
  }

  /** Answers a stream opened by GET, which expects no JSON-RPC response. */
  rejectGet(state: RequestState, rejection: Rejection): Verdict {
    this.body.begin(false);
    this.retryAfterMs = retryAfterMs(rejection);
    this.body.beginAnonymousAnswer();
    this.endWithError(rejection, rejection.rule!);
    return this.answer(state, 429, "mcp_limited[" + rejection.rule!.name + "]");
  }

  /** Answers a request that cannot be held, because too many are. */
  overload(state: RequestState): Verdict {
    const name = specialLimitName(SpecialLimit.Held);
    this.body.begin(false);
    this.retryAfterMs = MILLISECONDS_PER_SECOND;
    this.body.beginAnonymousAnswer();
    this.body.endWithError(CODE, "Too many requests are waiting", "rule", name);
    return this.answer(state, 429, "mcp_limited[" + name + "]");
  }

  /** Answers a request that Envoy's own rate limit has rejected, in place of its bare HTTP 429. `retrySeconds` is
   *  the time until its window ends; 0 if unknown. */
  limitedElsewhere(state: RequestState, facts: LimitFacts, retrySeconds: u32): Verdict {
    const name = specialLimitName(SpecialLimit.Global);
    const writer = this.body.writer;
    this.body.begin(false);
    this.retryAfterMs = <u64>retrySeconds * MILLISECONDS_PER_SECOND;
    this.body.beginAnswerTo(facts.id, facts.idLength, facts.isIdText);
    writer.raw(
      '"error":{"code":' + CODE + ',"message":"Limited: an allowance that is shared with other proxies is used up"',
    );
    writer.raw(',"data":{"rule":"' + name + '"');
    this.endWithDelay();
    writer.raw("}");
    return this.answer(state, 200, "mcp_limited[" + name + "]");
  }

  /** Answers a request whose messages cannot be decided, without its id, which cannot be trusted. */
  refuse(state: RequestState, fault: RequestFault): Verdict {
    const name = requestFaultName(fault);
    this.body.begin(false);
    this.body.beginAnonymousAnswer();
    this.body.endWithError(REFUSED_CODE, "Refused since limits cannot be applied", "reason", name);
    const status = fault == RequestFault.NoBody ? 503 : state.wantsStatus ? 403 : 200;
    const headers = this.headers.of(state.origin, true);
    return Verdict.answer(
      Outcome.Denied,
      status,
      "mcp_limits_refused[" + name + "]",
      this.body.at,
      this.body.length,
      headers,
    );
  }

  /** Answers a request that its client has cancelled while it waited: without a message, as servers do (2025-03-26
   *  and later, basic/utilities/cancellation). */
  cancelled(state: RequestState): Verdict {
    const status = state.wantsStatus ? 202 : 200;
    const headers = state.wantsStatus ? this.headers.of(state.origin, false) : this.headers.ofStream(state.origin);
    return Verdict.answer(Outcome.Cancelled, status, "mcp_cancelled", 0, 0, headers);
  }

  private endWithError(rejection: Rejection, rule: LimitRule): void {
    this.body.writer.raw('"error":');
    this.writeError(rejection, rule);
    this.body.writer.raw("}");
  }

  private writeError(rejection: Rejection, rule: LimitRule): void {
    const writer = this.body.writer;
    writer.raw('{"code":');
    writer.raw(CODE);
    writer.raw(',"message":"Limited: ');
    writeReason(writer, rejection, rule);
    writer.raw('","data":{"rule":"');
    writer.raw(rule.name);
    writer.raw('"');
    writer.textMember("scope", limitKindName(rejection.kind));
    writer.numberMember("limit", limitOf(rejection, rule));
    if (rejection.isExact) writer.numberMember("remaining", rejection.remaining);
    this.endWithDelay();
  }

  /** Ends an error whose data has a member already. Adds the delay, if there is one. */
  private endWithDelay(): void {
    const writer = this.body.writer;
    if (this.retryAfterMs) {
      writer.numberMember("retryAfterMs", this.retryAfterMs);
      writer.numberMember("retryAfterSeconds", secondsOf(this.retryAfterMs));
    }
    writer.raw("}}");
  }

  private answer(state: RequestState, status: i32, details: string): Verdict {
    const headers = this.retryAfterMs
      ? this.headers.retryingAfter(state.origin, <u32>secondsOf(this.retryAfterMs))
      : this.headers.of(state.origin, true);
    return Verdict.answer(Outcome.Limited, status, details, this.body.at, this.body.length, headers);
  }
}

/**
 * Delay in milliseconds until a retry may succeed; 0 if never. Rounded up to a tenth of the period if others use the
 * allowance too.
 */
function retryAfterMs(rejection: Rejection): u64 {
  if (!rejection.retryAfterNs) return 0;
  const exactMs = (rejection.retryAfterNs + NANOSECONDS_PER_MILLISECOND - 1) / NANOSECONDS_PER_MILLISECOND;
  const rate = rateOf(rejection.rule!, rejection.kind);
  if (rejection.isExact || !rate) return exactMs;
  const stepMs = max<u64>(rate.periodMs / PARTS_OF_PERIOD, 1);
  return ((exactMs + stepMs - 1) / stepMs) * stepMs;
}

function secondsOf(milliseconds: u64): u64 {
  return (milliseconds + MILLISECONDS_PER_SECOND - 1) / MILLISECONDS_PER_SECOND;
}

function rateOf(rule: LimitRule, kind: LimitKind): RateConfig | null {
  const config = rule.config;
  if (kind == LimitKind.Requests) return config.requests;
  if (kind == LimitKind.Repeats) return config.repeats;
  return kind == LimitKind.Tokens ? config.tokens : null;
}

function limitOf(rejection: Rejection, rule: LimitRule): u32 {
  if (rejection.limit) return rejection.limit;
  const rate = rateOf(rule, rejection.kind);
  return rate ? rate.amount : rule.concurrency;
}

/** Writes a reason such as `at most 60 requests in 1 minute (rule agents)`. */
function writeReason(writer: JsonWriter, rejection: Rejection, rule: LimitRule): void {
  writer.raw("at most ");
  writer.number(limitOf(rejection, rule));
  writer.raw(thingsOf(rejection.kind));
  const rate = rateOf(rule, rejection.kind);
  if (rate) writeDuration(writer, rate.periodMs);
  writer.raw(" (rule ");
  writer.raw(rule.name);
  writer.raw(")");
}

/** What a limit counts, as the text before the period, if the limit has one. */
function thingsOf(kind: LimitKind): string {
  switch (kind) {
    case LimitKind.Requests:
      return " requests in ";
    case LimitKind.Repeats:
      return " identical calls in ";
    case LimitKind.Tokens:
      return " tokens in ";
    default:
      return " requests at one time";
  }
}

/** Writes a sentence for a model that says how long to wait. */
function writeSentence(writer: JsonWriter, rejection: Rejection, rule: LimitRule, retryMs: u64): void {
  const rate = rateOf(rule, rejection.kind);
  if (rejection.kind == LimitKind.Repeats) {
    writer.raw("You have made this same call, with the same arguments, " + times(rate!.amount) + " within ");
    writeDuration(writer, rate!.periodMs);
    writer.raw(", and it was not run again: use the result that you have, ");
    writer.raw("or change the call");
  } else {
    writer.raw("This call was not run, since its limit is reached: ");
    writeReason(writer, rejection, rule);
  }
  if (!retryMs) return writer.raw(".");
  const isRepeat = rejection.kind == LimitKind.Repeats;
  writer.raw("; wait " + secondsText(secondsOf(retryMs)) + " before you ");
  writer.raw(isRepeat ? "make the same call again." : "try again.");
}

function times(count: u32): string {
  return count == 1 ? "once" : count.toString() + " times";
}

function secondsText(seconds: u64): string {
  return seconds == 1 ? "1 second" : seconds.toString() + " seconds";
}

/** Writes a duration in its largest unit without remainder: `90 seconds`, `1 hour`. */
function writeDuration(writer: JsonWriter, milliseconds: u64): void {
  if (milliseconds % 3_600_000 == 0) writeCount(writer, milliseconds / 3_600_000, " hour");
  else if (milliseconds % 60_000 == 0) writeCount(writer, milliseconds / 60_000, " minute");
  else if (milliseconds % 1000 == 0) writeCount(writer, milliseconds / 1000, " second");
  else writeCount(writer, milliseconds, " millisecond");
}

function writeCount(writer: JsonWriter, count: u64, unit: string): void {
  writer.number(count);
  writer.raw(unit);
  if (count != 1) writer.raw("s");
}
