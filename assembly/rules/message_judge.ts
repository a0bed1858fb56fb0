import { GateRequest } from "../gate/stage/request";
import { Verdict } from "../gate/stage/verdict";
import { RequestState } from "./request_state";
import { RequestFault } from "./message/request_fault";
import { StrictReader } from "./message/strict_reader";

/** Decides about requests by their messages, which {@link HeldBody} and {@link PassingBody} read. */
export abstract class MessageJudge {
  /** Begins the messages of a request. */
  abstract begin(state: RequestState): void;

  /** Begins the messages of a held batch again. One of them would have to wait, but {@link waits} returned false. */
  beginAgain(_state: RequestState): void {}

  /** Decides about the message in the reader, which belongs to a held request and which no earlier stage has
   *  rejected. Returns true if it is rejected. */
  abstract decide(state: RequestState, request: GateRequest, reader: StrictReader): bool;

  /** Whether a held request with a rejected message waits until it is decided again. `reader` has its last message. */
  waits(_state: RequestState, _request: GateRequest, _reader: StrictReader): bool {
    return false;
  }

  /** Whether each message of the batch was decided. Otherwise one would have to wait. */
  get hasDecidedAll(): bool {
    return true;
  }

  /** Passes or answers a held request of one message, which was decided last and is still in the reader. */
  abstract concludeMessage(state: RequestState, request: GateRequest, reader: StrictReader, isRejected: bool): Verdict;

  /** Begins the messages of a held batch for their second reading. `isAnswered`: all of them are rejected, and the
   *  gate answers them. */
  abstract beginBatch(isAnswered: bool): void;

  /** Handles the next message of the batch that no earlier stage has rejected. */
  abstract batchMessage(state: RequestState, request: GateRequest, reader: StrictReader): void;

  /** Handles the next request of an answered batch that an earlier stage has rejected. */
  abstract rejectedEarlier(request: GateRequest, reader: StrictReader): void;

  /** Passes, edits or answers the batch. */
  abstract concludeBatch(state: RequestState, request: GateRequest): Verdict;

  /** Answers a held request whose messages cannot be decided, and discards earlier decisions about them. `member` is
   *  the address of the Key of the member at fault; 0 for none. */
  abstract refuse(state: RequestState, request: GateRequest, fault: RequestFault, member: usize): Verdict;

  /** Handles the message in the reader, which belongs to a passing request. */
  abstract passing(state: RequestState, request: GateRequest, reader: StrictReader): void;

  /** Handles the end of a request that has passed. `reader` has its last message. */
  abstract passed(state: RequestState, request: GateRequest, reader: StrictReader): void;

  /** Handles a passing request whose messages cannot be decided. `member` as in {@link refuse}. */
  abstract passingFault(state: RequestState, request: GateRequest, fault: RequestFault, member: usize): void;
}
