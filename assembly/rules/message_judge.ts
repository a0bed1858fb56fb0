import { GateRequest } from "../gate/stage/request";
import { Verdict } from "../gate/stage/verdict";
import { CheckedRequest } from "./checked_request";
import { RequestRefusal } from "./message/refusal";
import { StrictReader } from "./message/strict_reader";

/** Decides requests by their messages, which {@link HeldBody} and {@link PassingBody} read. */
export abstract class MessageJudge {
  /** Messages of the request follow. */
  abstract begin(check: CheckedRequest): void;

  /** The messages of a held batch follow once more, of which one would have to wait: {@link waits} has said that it must not. */
  beginAgain(_check: CheckedRequest): void {}

  /** Decides the message of a held request that the reader has just read, and that no earlier stage has rejected. True where it
   *  is rejected. */
  abstract decide(check: CheckedRequest, request: GateRequest, reader: StrictReader): bool;

  /** Whether a held request, a message of which was rejected, is to wait until it is decided once more. `reader` has its last
   *  message. */
  waits(_check: CheckedRequest, _request: GateRequest, _reader: StrictReader): bool {
    return false;
  }

  /** Whether each message of the batch was decided. Otherwise one would have to wait. */
  get hasDecidedAll(): bool {
    return true;
  }

  /** The only message of a held request was decided last, and its reader still has it: passes or answers the request. */
  abstract concludeMessage(
    check: CheckedRequest,
    request: GateRequest,
    reader: StrictReader,
    isRejected: bool,
  ): Verdict;

  /** The messages of a held batch follow once more. `isAnswered`: all of them are rejected, and the gate answers them. */
  abstract beginBatch(isAnswered: bool): void;

  /** The next message of the batch that no earlier stage has rejected. */
  abstract batchMessage(check: CheckedRequest, request: GateRequest, reader: StrictReader): void;

  /** The next request of a batch that the gate answers; an earlier stage has rejected it. */
  abstract rejectedEarlier(request: GateRequest, reader: StrictReader): void;

  /** Passes, edits or answers the batch. */
  abstract concludeBatch(check: CheckedRequest, request: GateRequest): Verdict;

  /** Answers a held request whose messages cannot be decided. `member`: the address of the Key of the member at fault; 0 for
   *  none. What was decided of it before does not count. */
  abstract refuse(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): Verdict;

  /** A message of a request passes, which the reader has just read. */
  abstract passing(check: CheckedRequest, request: GateRequest, reader: StrictReader): void;

  /** A request has passed to its end. `reader` has its last message. */
  abstract passed(check: CheckedRequest, request: GateRequest, reader: StrictReader): void;

  /** A request passes whose messages cannot be decided. `member` as in {@link refuse}. */
  abstract passingRefused(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): void;
}
