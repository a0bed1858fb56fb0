import { GateRequest } from "../../gate/stage/request";
import { PASS, Verdict } from "../../gate/stage/verdict";
import { CheckedRequest } from "../../rules/checked_request";
import { RequestRefusal } from "../../rules/message/refusal";
import { MessageForm, StrictReader } from "../../rules/message/strict_reader";
import { MessageJudge } from "../../rules/message_judge";
import { CallReader } from "./call_reader";
import { DecisionLog } from "./decision_log";
import { DenialAnswers } from "./denial_answers";

/** Decides messages by the access policy. */
export class AccessJudge extends MessageJudge {
  /** The rule that decided the last message; of a batch, the first one that denies. */
  private rule: i32 = 0;

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
    this.decisions.message(request, check, this.calls.call, this.rule, false);
    if (!isRejected) return PASS;
    this.answers.begin(false);
    if (reader.form == MessageForm.Request) this.answers.deny(reader, this.rule);
    return this.answers.finish(check, this.rule);
  }

  beginBatch(_isRejected: bool, _messages: i32): void {
    this.answers.begin(true);
  }

  /** Counts the message, and answers it if one of its batch is denied. */
  batchMessage(check: CheckedRequest, request: GateRequest, reader: StrictReader, isRejected: bool): void {
    this.calls.read(check, reader, request);
    const rule = this.calls.decide(check, reader);
    const isCollateral = isRejected && !this.calls.isDenial(rule);
    this.decisions.message(request, check, this.calls.call, rule, isCollateral);
    if (isRejected && reader.form == MessageForm.Request) this.answers.deny(reader, isCollateral ? this.rule : rule);
  }

  concludeBatch(check: CheckedRequest, _request: GateRequest, isRejected: bool): Verdict {
    return isRejected ? this.answers.finish(check, this.rule) : PASS;
  }

  refuse(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): Verdict {
    return this.answers.refuse(check, request, refusal, member);
  }

  passing(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    this.calls.read(check, reader, request);
    this.decisions.message(request, check, this.calls.call, this.calls.decide(check, reader), false);
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
