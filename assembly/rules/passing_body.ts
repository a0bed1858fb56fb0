import { HoldConfig } from "../config/rules/hold_config";
import { GateRequest } from "../gate/stage/request";
import { CheckedRequest } from "./checked_request";
import { MessageJudge } from "./message_judge";
import { Key } from "./message/keys";
import { RequestRefusal } from "./message/refusal";
import { Reading, StrictReader } from "./message/strict_reader";

/** Reads the bodies of requests that pass whatever is decided, and has their messages decided for the record. */
export class PassingBody {
  /** @param keys the deciding members of messages.
   *  @param reportsRefusals whether requests are reported whose messages cannot be decided.
   *  @param hashesArguments the judge needs the hash of arguments. */
  constructor(
    private judge: MessageJudge,
    private keys: Key,
    private hold: HoldConfig,
    private reportsRefusals: bool,
    private hashesArguments: bool,
  ) {}

  /** The body of this request is read from now on. */
  begin(check: CheckedRequest): void {
    check.reader = changetype<usize>(StrictReader.take(this.keys, this.hashesArguments));
    check.reads = true;
  }

  /** Bytes of a body that passes. */
  bytes(check: CheckedRequest, request: GateRequest, at: usize, length: usize): void {
    const reader = changetype<StrictReader>(check.reader);
    const judge = this.judge;
    if (this.reportsRefusals && request.passedBytes > this.hold.maxBodyBytes) {
      judge.passingRefused(check, request, RequestRefusal.TooLarge, 0);
      return this.stop(check);
    }
    reader.feed(at, length);
    while (reader.next() == Reading.Message) {
      judge.begin(check);
      judge.passing(check, request, reader);
    }
  }

  /** The request has passed to its end. */
  end(check: CheckedRequest, request: GateRequest): void {
    const reader = changetype<StrictReader>(check.reader);
    if (this.reportsRefusals && (request.passedBytes > 0 || !check.mayBeEmpty)) {
      if (reader.finish()) this.judge.passed(check, request, reader);
      else this.judge.passingRefused(check, request, reader.refusal, reader.refusedKey);
    }
    this.stop(check);
  }

  /** Reads the body no further. */
  stop(check: CheckedRequest): void {
    if (check.reader) changetype<StrictReader>(check.reader).release();
    check.reader = 0;
    check.reads = false;
  }
}
