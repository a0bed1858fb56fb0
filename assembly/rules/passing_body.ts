import { HoldConfig } from "../config/rules/hold_config";
import { GateRequest } from "../gate/stage/request";
import { CheckedRequest } from "./checked_request";
import { MessageJudge } from "./message_judge";
import { Key } from "./message/keys";
import { RequestRefusal } from "./message/refusal";
import { Reading, StrictReader } from "./message/strict_reader";

/**
 * Reads the bodies of requests that pass in any case, and passes their messages to the judge, which only records its
 * decisions.
 */
export class PassingBody {
  /**
   * @param keys the deciding members of messages
   * @param reportsRefusals whether to report requests whose messages cannot be decided
   * @param hashesArguments whether the judge needs the hash of arguments
   */
  constructor(
    private judge: MessageJudge,
    private keys: Key,
    private hold: HoldConfig,
    private reportsRefusals: bool,
    private hashesArguments: bool,
  ) {}

  /** Begins to read the body of this request. */
  begin(check: CheckedRequest): void {
    check.reader = changetype<usize>(StrictReader.acquire(this.keys, this.hashesArguments));
    check.reads = true;
  }

  /** Reads bytes of a passing body. */
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

  /** Handles the end of a request that has passed. */
  end(check: CheckedRequest, request: GateRequest): void {
    const reader = changetype<StrictReader>(check.reader);
    if (this.reportsRefusals && (request.passedBytes > 0 || !check.mayBeEmpty)) {
      if (reader.finish()) this.judge.passed(check, request, reader);
      else this.judge.passingRefused(check, request, reader.refusal, reader.refusedKey);
    }
    this.stop(check);
  }

  /** Stops reading the body. */
  stop(check: CheckedRequest): void {
    if (check.reader) changetype<StrictReader>(check.reader).release();
    check.reader = 0;
    check.reads = false;
  }
}
