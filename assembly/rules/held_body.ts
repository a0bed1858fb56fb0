import { HoldConfig } from "../config/rules/hold_config";
import { GateRequest } from "../gate/stage/request";
import { HOLD, PASS, Verdict } from "../gate/stage/verdict";
import { Body } from "../host/body";
import { Method, methodOf } from "../mcp/protocol/methods";
import { Outcome } from "../mcp/protocol/outcome";
import { RequestState } from "./request_state";
import { MessageJudge } from "./message_judge";
import { Key } from "./message/keys";
import { RequestFault } from "./message/request_fault";
import { MemberSlot } from "./message/deciding_keys";
import { MessageForm, Reading, StrictReader } from "./message/strict_reader";

/** Reads the complete bodies of held requests, and passes their messages to the judge. */
export class HeldBody {
  /** Number of requests among the messages that {@link decide} read last. */
  private requests: i32 = 0;

  /**
   * @param keys the deciding members of messages
   * @param hashesArguments whether the judge needs the hash of arguments
   */
  constructor(
    private judge: MessageJudge,
    private keys: Key,
    private hold: HoldConfig,
    private body: Body,
    private hashesArguments: bool,
  ) {}

  /** Passes, edits or answers a complete held request. */
  conclude(state: RequestState, request: GateRequest): Verdict {
    if (request.heldBytes == 0 && state.mayBeEmpty) return PASS;
    this.judge.begin(state);
    const reader = StrictReader.acquire(this.keys, this.hashesArguments);
    const rejected = this.decide(state, request, reader);
    const isJudged = state.isMcp || (request.heldBytes > 0 && !isNoMcp(reader));
    const verdict = isJudged ? this.verdictOf(state, request, reader, rejected) : PASS;
    reader.release();
    return verdict;
  }

  /** Decides about all messages that no earlier stage has rejected. Returns the number of rejected ones. */
  private decide(state: RequestState, request: GateRequest, reader: StrictReader): i32 {
    const judge = this.judge;
    const body = this.body;
    let rejected = 0;
    this.requests = 0;
    body.begin(request.heldBytes);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) {
        const method = methodOf(reader.textAt(MemberSlot.Method), reader.textLength(MemberSlot.Method));
        if (method != Method.None) state.isMcp = true;
        if (reader.form == MessageForm.Request) this.requests++;
        if (!isRejected(request, reader) && judge.decide(state, request, reader)) rejected++;
      }
    }
    return rejected;
  }

  /** The verdict after the body has been read to its end. */
  private verdictOf(state: RequestState, request: GateRequest, reader: StrictReader, rejected: i32): Verdict {
    const judge = this.judge;
    const body = this.body;
    if (body.total < request.heldBytes) return judge.refuse(state, request, RequestFault.Internal, 0);
    if (body.total > this.hold.maxBodyBytes) return judge.refuse(state, request, RequestFault.TooLarge, 0);
    if (!reader.finish()) return judge.refuse(state, request, reader.fault, reader.faultyKey);
    if (rejected && judge.waits(state, request, reader)) return HOLD;
    if (!reader.isBatch) {
      return isRejected(request, reader) ? PASS : judge.concludeMessage(state, request, reader, rejected > 0);
    }
    const isWhole = judge.hasDecidedAll;
    return this.batchVerdict(state, request, reader.count, isWhole ? rejected : this.decideAgain(state, request));
  }

  /** Decides about the messages of a batch again, because one would have to wait but must not. */
  private decideAgain(state: RequestState, request: GateRequest): i32 {
    this.judge.beginAgain(state);
    const reader = StrictReader.acquire(this.keys, this.hashesArguments);
    const rejected = this.decide(state, request, reader);
    reader.release();
    return rejected;
  }

  private batchVerdict(state: RequestState, request: GateRequest, messages: i32, rejected: i32): Verdict {
    const judge = this.judge;
    const earlier = request.exchange.stream.rejectedCount;
    // On HTTP+SSE the responses come on another stream, where only the server can send them.
    const isAnswered = rejected > 0 && earlier + rejected == messages && !(state.isRewritable && this.requests);
    const reader = StrictReader.acquire(this.keys);
    const body = this.body;
    judge.beginBatch(isAnswered);
    body.begin(request.heldBytes);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) {
        if (!isRejected(request, reader)) judge.batchMessage(state, request, reader);
        else if (isAnswered && reader.form == MessageForm.Request) judge.rejectedEarlier(request, reader);
      }
    }
    reader.release();
    return judge.concludeBatch(state, request);
  }
}

/** Whether a stage has already rejected the message in the reader. */
function isRejected(request: GateRequest, reader: StrictReader): bool {
  return request.exchange.stream.rejectionOf(reader.count - 1) != Outcome.Open;
}

/** Whether the body is JSON other than JSON-RPC, or JSON-RPC other than MCP. */
function isNoMcp(reader: StrictReader): bool {
  if (reader.finish()) return true;
  // A server may process the valid messages of a batch.
  if (reader.isBatch) return false;
  if (reader.count == 0) return reader.fault == RequestFault.NoMessage;
  return reader.fault == RequestFault.NoMessage && !reader.has(MemberSlot.JsonRpc) && !reader.has(MemberSlot.Method);
}
