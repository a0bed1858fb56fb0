import { GateRequest } from "../../gate/stage/request";
import { EDIT, PASS, Verdict } from "../../gate/stage/verdict";
import { CheckedRequest } from "../../rules/checked_request";
import { RequestRefusal } from "../../rules/message/refusal";
import { MessageForm, StrictReader } from "../../rules/message/strict_reader";
import { MessageJudge } from "../../rules/message_judge";
import { CallReader } from "./call_reader";
import { DecisionLog } from "./decision_log";
import { DenialAnswers } from "./denial_answers";

/** Decides about messages by the access policy. */
export class AccessJudge extends MessageJudge {
  /** Index of the rule that decided the last message. */
  private rule: i32 = 0;
  /** For the current batch: the number of denied messages, the rule that denies the first of them, and whether the
   *  gate answers the batch. */
  private denied: i32 = 0;
  private firstDenial: i32 = 0;
  private isAnswered: bool = false;

  constructor(
    private calls: CallReader,
    private decisions: DecisionLog,
    private answers: DenialAnswers,
  ) {
    super();
  }

  begin(check: CheckedRequest): void {
    this.calls.begin(check);
  }

  decide(check: CheckedRequest, request: GateRequest, reader: StrictReader): bool {
    this.calls.read(check, reader, request);
    this.rule = this.calls.decide(check, reader);
    return this.calls.isDenial(this.rule);
  }

  concludeMessage(check: CheckedRequest, request: GateRequest, reader: StrictReader, isRejected: bool): Verdict {
    const header = isRejected ? "" : this.calls.mismatchedHeader(check, reader);
    if (header.length) return this.answers.mismatch(check, request, reader, header);
    this.decisions.message(request, check, this.calls.call, this.rule);
    if (!isRejected) return PASS;
    const isRequest = reader.form == MessageForm.Request;
    if (isRequest && check.isRewritable) {
      this.answers.reject(check, request, reader, this.rule);
      return EDIT;
    }
    this.answers.begin(false);
    if (isRequest) this.answers.deny(reader, this.rule);
    return this.answers.finish(check, this.rule);
  }

  beginBatch(isAnswered: bool): void {
    this.isAnswered = isAnswered;
    this.denied = 0;
    if (isAnswered) this.answers.begin(true);
  }

  /** Counts the message, and rejects it if it is denied. */
  batchMessage(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    const isDenied = this.decide(check, request, reader);
    const rule = this.rule;
    this.decisions.message(request, check, this.calls.call, rule);
    if (!isDenied) return;
    if (this.denied++ == 0) this.firstDenial = rule;
    if (!this.isAnswered) this.answers.reject(check, request, reader, rule);
    else if (reader.form == MessageForm.Request) this.answers.deny(reader, rule);
  }

  rejectedEarlier(request: GateRequest, reader: StrictReader): void {
    this.answers.repeat(request, reader);
  }

  concludeBatch(check: CheckedRequest, _request: GateRequest): Verdict {
    if (!this.denied) return PASS;
    this.decisions.showDenial(this.firstDenial);
    return this.isAnswered ? this.answers.finish(check, this.firstDenial) : EDIT;
  }

  refuse(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): Verdict {
    return this.answers.refuse(check, request, refusal, member);
  }

  passing(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    this.calls.read(check, reader, request);
    this.decisions.message(request, check, this.calls.call, this.calls.decide(check, reader));
  }

  passed(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    if (reader.isBatch) return;
    this.calls.read(check, reader, request);
    const header = this.calls.mismatchedHeader(check, reader);
    if (header.length) this.decisions.refusal(request, check, RequestRefusal.HeaderMismatch, 0, header);
  }

  passingRefused(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): void {
    this.decisions.refusal(request, check, refusal, member);
  }
}
