import { AccessConfig } from "../../config/access/access_config";
import { DenialForm } from "../../config/rules/rule_config";
import { GateRequest } from "../../gate/stage/request";
import { Verdict } from "../../gate/stage/verdict";
import { JsonWriter } from "../../json/writer";
import { Outcome } from "../../mcp/protocol/outcome";
import { Bytes } from "../../memory/bytes";
import { AnswerHeaders } from "../../rules/answer_headers";
import { RequestState } from "../../rules/request_state";
import { RequestFault, requestFaultName } from "../../rules/message/request_fault";
import { MemberSlot } from "../../rules/message/deciding_keys";
import { rejectMessage, rejectedRequest } from "../../rules/rejected_message";
import { StrictReader } from "../../rules/message/strict_reader";
import { DecisionReporter } from "./decision_reporter";
import { Denial } from "./denial";

const NOTHING: Bytes = Bytes.of("");

/** Creates the verdicts that answer denied and rejected requests. */
export class DenialAnswers {
  private denial: Denial = new Denial();
  private headers: AnswerHeaders;
  /** The hints of the rules, escaped for JSON. */
  private hints: Bytes[] = [];

  constructor(
    private config: AccessConfig,
    private reporter: DecisionReporter,
  ) {
    this.headers = new AnswerHeaders(config.denialCors);
    for (let i = 0; i < config.rules.length; i++) this.hints.push(escaped(config.rules[i].hint));
  }

  /** The number of a request's `Origin` (`length` bytes at `at`); 0 if it is empty or not listed. */
  originOf(at: usize, length: i32): u16 {
    return <u16>this.headers.numberOf(at, length);
  }

  /** Rejects a request whose messages cannot be decided. `member` is the address of the Key of the member at fault;
   *  0 for none. */
  refuse(state: RequestState, request: GateRequest, fault: RequestFault, member: usize = 0): Verdict {
    this.reporter.refused(request, state, fault, member);
    this.denial.body.begin(false);
    this.denial.refuse(fault);
    if (fault == RequestFault.NoBody || fault == RequestFault.Overload) {
      return this.answer(state, 503, "mcp_access_refused[" + requestFaultName(fault) + "]");
    }
    return this.answer(state, this.status(state), "mcp_access_refused[" + requestFaultName(fault) + "]");
  }

  /** Answers a request with a header, of this name, that does not match the body. */
  mismatch(state: RequestState, request: GateRequest, reader: StrictReader, header: string): Verdict {
    this.reporter.refused(request, state, RequestFault.HeaderMismatch, 0, header);
    this.denial.body.begin(false);
    this.denial.mismatch(reader);
    return this.answer(state, 400, "mcp_access_refused[header_mismatch]");
  }

  /** Begins the answer to a message, or to a batch if `isBatch`. Call {@link deny} for each request, then {@link
   *  finish}. */
  begin(isBatch: bool): void {
    this.denial.body.begin(isBatch);
  }

  /** Answers the request in the reader, which a rule denies. */
  deny(reader: StrictReader, rule: i32): void {
    const isToolCall = reader.isText(MemberSlot.Method, "tools/call");
    this.denial.deny(reader, this.reporter.ruleName(rule), this.hintOf(rule), this.config.denialForm, isToolCall);
  }

  /** Answers the request in the reader, which an earlier stage has rejected. */
  repeat(request: GateRequest, reader: StrictReader): void {
    const rejected = rejectedRequest(request, reader);
    if (rejected) this.denial.body.repeat(reader, rejected);
  }

  /** Keeps the message in the reader, which a rule denies, from the server. If it is a request, its response gets an
   *  error that names the rule. */
  reject(state: RequestState, request: GateRequest, reader: StrictReader, rule: i32): void {
    this.denial.writeError(this.reporter.ruleName(rule), this.hintOf(rule));
    const body = this.denial.body;
    rejectMessage(request, state, reader, Outcome.Denied, body.at, body.length);
  }

  /** Ends the answer to a request that `rule` denies, and returns it as a verdict. */
  finish(state: RequestState, rule: i32): Verdict {
    this.denial.body.end();
    return this.answer(state, this.status(state), "mcp_access_denied[" + this.reporter.ruleName(rule) + "]");
  }

  /** The rule's hint for denied callers; empty for none. */
  private hintOf(rule: i32): Bytes {
    // Only rules of the policy have hints, the default and pins do not.
    return rule < 0 ? NOTHING : this.hints[rule];
  }

  /** The HTTP status of a denial: 202 if no request is denied, otherwise as HTTP+SSE clients and the operator need
   *  it. */
  private status(state: RequestState): i32 {
    if (this.denial.body.isEmpty) return 202;
    const config = this.config;
    return config.denialForm == DenialForm.Status ? config.denialStatus : state.wantsStatus ? 403 : 200;
  }

  private answer(state: RequestState, status: i32, details: string): Verdict {
    const hasBody = !this.denial.body.isEmpty;
    const headers = this.headers.of(state.origin, hasBody);
    return Verdict.answer(
      Outcome.Denied,
      status,
      details,
      this.denial.body.at,
      hasBody ? this.denial.body.length : 0,
      headers,
    );
  }
}

/** Escapes a text for use in a JSON string, without the quotes. */
function escaped(text: string): Bytes {
  const bytes = Bytes.of(text);
  const writer = new JsonWriter();
  writer.text(bytes.at, bytes.length);
  return Bytes.copy(writer.at + 1, writer.length - 2);
}
