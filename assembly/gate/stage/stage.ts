import { ListElement } from "../../edit/response/list_element";
import { Parts } from "../../edit/response/list_kind";
import { RequestHead } from "../../mcp/headers/request_head";
import { GateRequest, StageState } from "./request";
import { PASS, Verdict } from "./verdict";

/** The stage that a state is of. */
export function stageOf(state: StageState): Stage {
  return changetype<Stage>(state.stage);
}

/**
 * Decides about requests. A stage neither holds nor answers them: it returns verdicts, which the gate carries out. The gate
 * asks the stages of a configuration in order, each about the requests that it is concerned with, and an answer is final.
 */
export abstract class Stage {
  /** Requests that have state of this stage, which refers to it by its address. Counted by the gate. */
  users: i32 = 0;

  /** Whether the stage is concerned with a request, as far as its headers tell. `endOfStream`: it has no body. */
  abstract concerns(head: RequestHead, endOfStream: bool): bool;

  /** State for another request, filled with zeros. */
  abstract open(): StageState;

  /** The head of a request: passes, holds or answers it. Host calls refer to its stream. */
  abstract begin(state: StageState, request: GateRequest, head: RequestHead): Verdict;

  /** The body of a request that this stage holds has grown to `request.heldBytes` bytes: holds or answers it. */
  abstract grow(state: StageState, request: GateRequest): Verdict;

  /** A request that this stage holds is whole: passes or answers it, or holds it until it says otherwise by
   *  {@link LaterVerdicts}. Its body is in the proxy's buffer, `request.heldBytes` bytes. All stages that hold a request are asked
   *  at its end; one that holds it on does not keep those behind it from answering. */
  abstract conclude(state: StageState, request: GateRequest): Verdict;

  /** Bytes of a request that passes, where `state.reads`. */
  abstract bytes(state: StageState, request: GateRequest, at: usize, length: usize): void;

  /** A request that `state.reads` has passed to its end. */
  abstract end(state: StageState, request: GateRequest): void;

  /** The headers of a request that this stage holds have been in the proxy for too long, and no body came: answers it. */
  abstract expire(state: StageState, request: GateRequest): Verdict;

  /** A request that this stage is to hold cannot be held: its caller, or all together, have too many held. Answers it. */
  abstract overload(state: StageState, request: GateRequest): Verdict;

  /** The body of a request, messages of which this stage has rejected, cannot be changed: answers it. */
  abstract unwritable(state: StageState, request: GateRequest): Verdict;

  /** Another filter has limited a request that has passed, and its answer has come: lets it pass, or answers in its place. Host
   *  calls refer to the stream. */
  elsewhereLimited(_state: StageState, _request: GateRequest): Verdict {
    return PASS;
  }

  /** The parts of the response that this stage may change. Host calls refer to the stream, whose response's headers have come. */
  editedParts(_state: StageState, _request: GateRequest): Parts {
    return 0;
  }

  /** Of the lists among the edited parts those of which this stage may withhold elements. Of others only the scope of caches changes,
   *  since other callers may see less of them. */
  withheldParts(_state: StageState, _request: GateRequest): Parts {
    return 0;
  }

  /** The parts of the response that this stage only reads, for the record. */
  watchedParts(_state: StageState, _request: GateRequest): Parts {
    return 0;
  }

  /** An element of a list on its way to the client, of a kind among the edited or watched parts. True where it is to be
   *  withheld, which counts only where that kind is among the edited parts. */
  withholds(_state: StageState, _request: GateRequest, _element: ListElement): bool {
    return false;
  }

  /** A request of the server on its way to the client, where {@link SERVER_REQUESTS} is among the edited or watched parts:
   *  `length` bytes of its method. True where the client must not see it. */
  deniesServerRequest(_state: StageState, _request: GateRequest, _method: usize, _length: i32): bool {
    return false;
  }

  /** The stream is over: the state must not be used any more. */
  abstract close(state: StageState): void;
}
