import { GateRequest } from "../../gate/stage/request";
import { PASS, Verdict } from "../../gate/stage/verdict";
import { Body } from "../../host/body";
import { Method, methodOf } from "../../mcp/protocol/methods";
import { AccessCheck } from "../check";
import { RequestRefusal } from "../../rules/message/refusal";
import { Slot } from "../../rules/message/slots";
import { MessageForm, Reading, StrictReader } from "../../rules/message/strict_reader";
import { Policy } from "../policy/policy";
import { CallReader } from "./call_reader";
import { DecisionLog } from "./decision_log";
import { DenialAnswers } from "./denial_answers";

const NO_RULE: i32 = -2;

/** Decides held requests by their whole bodies. */
export class BodyJudge {
  constructor(
    private policy: Policy,
    private calls: CallReader,
    private decisions: DecisionLog,
    private answers: DenialAnswers,
    private body: Body,
  ) {}

  /** Passes or answers a held request, which is whole. */
  conclude(check: AccessCheck, request: GateRequest): Verdict {
    if (request.size == 0 && check.mayBeEmpty) return PASS;
    this.calls.begin(check);
    const reader = StrictReader.take(this.policy.keys.message);
    const body = this.body;
    let rule = NO_RULE;
    let isDenied = false;
    body.begin(request.size);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) {
        const method = methodOf(reader.textAt(Slot.Method), reader.textLength(Slot.Method));
        if (method != Method.None) check.isMcp = true;
        if (isDenied) continue;
        this.calls.read(reader, request);
        rule = this.calls.decide(check, reader);
        isDenied = this.calls.isDenial(rule);
      }
    }
    const isJudged = check.isMcp || (request.size > 0 && !isNoMcp(reader));
    const verdict = isJudged ? this.judge(check, request, reader, rule, isDenied) : PASS;
    reader.release();
    return verdict;
  }

  /** The body has been read to its end. `rule` decided its only message, or is the first that denies one of a batch. */
  private judge(check: AccessCheck, request: GateRequest, reader: StrictReader, rule: i32, isDenied: bool): Verdict {
    const body = this.body;
    if (body.total < request.size) return this.answers.refuse(check, request, RequestRefusal.Internal);
    if (body.total > this.policy.hold.maxBodyBytes) {
      return this.answers.refuse(check, request, RequestRefusal.TooLarge);
    }
    if (!reader.finish()) return this.answers.refuse(check, request, reader.refusal, reader.refusedKey);
    if (reader.isBatch) return this.judgeBatch(check, request, isDenied, rule);
    return this.judgeMessage(check, request, reader, rule, isDenied);
  }

  private judgeMessage(
    check: AccessCheck,
    request: GateRequest,
    reader: StrictReader,
    rule: i32,
    isDenied: bool,
  ): Verdict {
    const header = isDenied ? "" : this.calls.mismatchedHeader(check, reader);
    if (header.length) return this.answers.mismatch(check, request, reader, header);
    this.decisions.message(request, check, this.calls.call, rule, false);
    if (!isDenied) return PASS;
    this.answers.begin(false);
    if (reader.form == MessageForm.Request) this.answers.deny(reader, rule);
    return this.answers.finish(check, rule);
  }

  /** Reads a batch once more: each of its messages is counted, and answered if one is denied. */
  private judgeBatch(check: AccessCheck, request: GateRequest, isDenied: bool, deniedBy: i32): Verdict {
    const reader = StrictReader.take(this.policy.keys.message);
    const body = this.body;
    this.answers.begin(true);
    body.begin(request.size);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) {
        this.calls.read(reader, request);
        const rule = this.calls.decide(check, reader);
        const isCollateral = isDenied && !this.calls.isDenial(rule);
        this.decisions.message(request, check, this.calls.call, rule, isCollateral);
        if (isDenied && reader.form == MessageForm.Request) this.answers.deny(reader, isCollateral ? deniedBy : rule);
      }
    }
    reader.release();
    return isDenied ? this.answers.finish(check, deniedBy) : PASS;
  }
}

/** Whether what was read is JSON of another kind than JSON-RPC, or JSON-RPC of another kind than MCP. */
function isNoMcp(reader: StrictReader): bool {
  if (reader.finish()) return true;
  // A server may take what is good of a batch.
  if (reader.isBatch) return false;
  if (reader.count == 0) return reader.refusal == RequestRefusal.NoMessage;
  return reader.refusal == RequestRefusal.NoMessage && !reader.has(Slot.JsonRpc) && !reader.has(Slot.Method);
}
