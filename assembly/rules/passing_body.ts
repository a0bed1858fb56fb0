import { HoldConfig } from "../config/rules/hold_config";
import { GateRequest } from "../gate/stage/request";
import { RequestState } from "./request_state";
import { MessageJudge } from "./message_judge";
import { Key } from "./message/keys";
import { RequestFault } from "./message/request_fault";
import { Reading, StrictReader } from "./message/strict_reader";

/**
 * Reads the bodies of requests that pass in any case, and passes their messages to the judge, which only records its
 * decisions.
 */
export class PassingBody {
  /**
   * @param keys the deciding members of messages
   * @param reportsFaults whether to report requests whose messages cannot be decided
   * @param hashesArguments whether the judge needs the hash of arguments
   */
  constructor(
    private judge: MessageJudge,
    private keys: Key,
    private hold: HoldConfig,
    private reportsFaults: bool,
    private hashesArguments: bool,
  ) {}

  /** Begins to read the body of this request. */
  begin(state: RequestState): void {
    state.reader = changetype<usize>(StrictReader.acquire(this.keys, this.hashesArguments));
    state.reads = true;
  }

  /** Reads bytes of a passing body. */
  bytes(state: RequestState, request: GateRequest, at: usize, length: usize): void {
    const reader = changetype<StrictReader>(state.reader);
    const judge = this.judge;
    if (this.reportsFaults && request.passedBytes > this.hold.maxBodyBytes) {
      judge.passingFault(state, request, RequestFault.TooLarge, 0);
      return this.stop(state);
    }
    reader.feed(at, length);
    while (reader.next() == Reading.Message) {
      judge.begin(state);
      judge.passing(state, request, reader);
    }
  }

  /** Handles the end of a request that has passed. */
  end(state: RequestState, request: GateRequest): void {
    const reader = changetype<StrictReader>(state.reader);
    if (this.reportsFaults && (request.passedBytes > 0 || !state.mayBeEmpty)) {
      if (reader.finish()) this.judge.passed(state, request, reader);
      else this.judge.passingFault(state, request, reader.fault, reader.faultyKey);
    }
    this.stop(state);
  }

  /** Stops reading the body. */
  stop(state: RequestState): void {
    if (state.reader) changetype<StrictReader>(state.reader).release();
    state.reader = 0;
    state.reads = false;
  }
}
