import { GateRequest } from "../../gate/stage/request";
import { EDIT, PASS, Verdict } from "../../gate/stage/verdict";
import { RequestState } from "../../rules/request_state";
import { RequestFault } from "../../rules/message/request_fault";
import { MessageForm, StrictReader } from "../../rules/message/strict_reader";
import { MessageJudge } from "../../rules/message_judge";
import { RuleInputReader } from "./rule_input_reader";
import { DecisionReporter } from "./decision_reporter";
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
    private inputs: RuleInputReader,
    private reporter: DecisionReporter,
    private answers: DenialAnswers,
  ) {
    super();
  }

  begin(state: RequestState): void {
    this.inputs.begin(state);
  }

  decide(state: RequestState, request: GateRequest, reader: StrictReader): bool {
    this.inputs.read(state, reader, request);
    this.rule = this.inputs.decide(state, reader);
    return this.inputs.isDenial(this.rule);
  }

  concludeMessage(state: RequestState, request: GateRequest, reader: StrictReader, isRejected: bool): Verdict {
    const header = isRejected ? "" : this.inputs.mismatchedHeader(state, reader);
    if (header.length) return this.answers.mismatch(state, request, reader, header);
    this.reporter.message(request, state, this.inputs.current, this.rule);
    if (!isRejected) return PASS;
    const isRequest = reader.form == MessageForm.Request;
    if (isRequest && state.isRewritable) {
      this.answers.reject(state, request, reader, this.rule);
      return EDIT;
    }
    this.answers.begin(false);
    if (isRequest) this.answers.deny(reader, this.rule);
    return this.answers.finish(state, this.rule);
  }

  beginBatch(isAnswered: bool): void {
    this.isAnswered = isAnswered;
    this.denied = 0;
    if (isAnswered) this.answers.begin(true);
  }

  /** Counts the message, and rejects it if it is denied. */
  batchMessage(state: RequestState, request: GateRequest, reader: StrictReader): void {
    const isDenied = this.decide(state, request, reader);
    const rule = this.rule;
    this.reporter.message(request, state, this.inputs.current, rule);
    if (!isDenied) return;
    if (this.denied++ == 0) this.firstDenial = rule;
    if (!this.isAnswered) this.answers.reject(state, request, reader, rule);
    else if (reader.form == MessageForm.Request) this.answers.deny(reader, rule);
  }

  rejectedEarlier(request: GateRequest, reader: StrictReader): void {
    this.answers.repeat(request, reader);
  }

  concludeBatch(state: RequestState, request: GateRequest): Verdict {
    if (!this.denied) return PASS;
    this.reporter.showDenial(request.exchange.stream, this.firstDenial);
    return this.isAnswered ? this.answers.finish(state, this.firstDenial) : EDIT;
  }

  refuse(state: RequestState, request: GateRequest, fault: RequestFault, member: usize): Verdict {
    return this.answers.refuse(state, request, fault, member);
  }

  passing(state: RequestState, request: GateRequest, reader: StrictReader): void {
    this.inputs.read(state, reader, request);
    this.reporter.message(request, state, this.inputs.current, this.inputs.decide(state, reader));
  }

  passed(state: RequestState, request: GateRequest, reader: StrictReader): void {
    if (reader.isBatch) return;
    this.inputs.read(state, reader, request);
    const header = this.inputs.mismatchedHeader(state, reader);
    if (header.length) this.reporter.refused(request, state, RequestFault.HeaderMismatch, 0, header);
  }

  passingFault(state: RequestState, request: GateRequest, fault: RequestFault, member: usize): void {
    this.reporter.refused(request, state, fault, member);
  }
}
