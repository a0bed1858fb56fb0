import { HoldConfig } from "../config/rules/hold_config";
import { GateRequest } from "../gate/stage/request";
import { HOLD, PASS, Verdict } from "../gate/stage/verdict";
import { Body } from "../host/body";
import { Method, methodOf } from "../mcp/protocol/methods";
import { CheckedRequest } from "./checked_request";
import { MessageJudge } from "./message_judge";
import { Key } from "./message/keys";
import { RequestRefusal } from "./message/refusal";
import { Slot } from "./message/slots";
import { Reading, StrictReader } from "./message/strict_reader";

/** Reads the bodies of held requests, which are whole, and has their messages decided. */
export class HeldBody {
  /** @param keys the deciding members of messages.
   *  @param hashesArguments the judge needs the hash of arguments. */
  constructor(
    private judge: MessageJudge,
    private keys: Key,
    private hold: HoldConfig,
    private body: Body,
    private hashesArguments: bool,
  ) {}

  /** Passes or answers a held request, which is whole. */
  conclude(check: CheckedRequest, request: GateRequest): Verdict {
    if (request.heldBytes == 0 && check.mayBeEmpty) return PASS;
    const judge = this.judge;
    judge.begin(check);
    const reader = StrictReader.take(this.keys, this.hashesArguments);
    const body = this.body;
    let isRejected = false;
    body.begin(request.heldBytes);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) {
        const method = methodOf(reader.textAt(Slot.Method), reader.textLength(Slot.Method));
        if (method != Method.None) check.isMcp = true;
        if (!isRejected) isRejected = judge.decide(check, request, reader);
      }
    }
    const isJudged = check.isMcp || (request.heldBytes > 0 && !isNoMcp(reader));
    const verdict = isJudged ? this.verdictOf(check, request, reader, isRejected) : PASS;
    reader.release();
    return verdict;
  }

  /** The body has been read to its end. */
  private verdictOf(check: CheckedRequest, request: GateRequest, reader: StrictReader, isRejected: bool): Verdict {
    const judge = this.judge;
    const body = this.body;
    if (body.total < request.heldBytes) return judge.refuse(check, request, RequestRefusal.Internal, 0);
    if (body.total > this.hold.maxBodyBytes) return judge.refuse(check, request, RequestRefusal.TooLarge, 0);
    if (!reader.finish()) return judge.refuse(check, request, reader.refusal, reader.refusedKey);
    if (isRejected && judge.waits(check, request, reader)) return HOLD;
    if (!reader.isBatch) return judge.concludeMessage(check, request, reader, isRejected);
    this.readBatch(check, request, isRejected, reader.count);
    return judge.concludeBatch(check, request, isRejected);
  }

  private readBatch(check: CheckedRequest, request: GateRequest, isRejected: bool, messages: i32): void {
    const judge = this.judge;
    const reader = StrictReader.take(this.keys);
    const body = this.body;
    judge.beginBatch(isRejected, messages);
    body.begin(request.heldBytes);
    while (body.next()) {
      reader.feed(body.at, body.length);
      while (reader.next() == Reading.Message) judge.batchMessage(check, request, reader, isRejected);
    }
    reader.release();
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
