import { GateRequest } from "../gate/stage/request";
import { Verdict } from "../gate/stage/verdict";
import { CheckedRequest } from "./checked_request";
import { RequestRefusal } from "./message/refusal";
import { StrictReader } from "./message/strict_reader";

/** Decides requests by their messages, which {@link HeldBody} and {@link PassingBody} read. */
export abstract class MessageJudge {
  /** Messages of the request follow. */
  abstract begin(check: CheckedRequest): void;

  /** Decides the message of a held request that the reader has just read. True where it rejects the request: then the rest of
   *  a batch is not decided. */
  abstract decide(check: CheckedRequest, request: GateRequest, reader: StrictReader): bool;

  /** Whether a held request that was rejected is to wait until it is decided once more. `reader` has its last message. */
  waits(_check: CheckedRequest, _request: GateRequest, _reader: StrictReader): bool {
    return false;
  }

  /** The only message of a held request was decided last, and its reader still has it: passes or answers the request. */
  abstract concludeMessage(
    check: CheckedRequest,
    request: GateRequest,
    reader: StrictReader,
    isRejected: bool,
  ): Verdict;

  /** Each of the `messages` of a held batch, of which one is rejected where `isRejected`, follows once more. */
  abstract beginBatch(isRejected: bool, messages: i32): void;

  abstract batchMessage(check: CheckedRequest, request: GateRequest, reader: StrictReader, isRejected: bool): void;

  /** Passes or answers the batch. */
  abstract concludeBatch(check: CheckedRequest, request: GateRequest, isRejected: bool): Verdict;

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
