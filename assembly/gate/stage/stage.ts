import { ListElement } from "../../edit/response/list_element";
import { Parts } from "../../edit/response/list_kind";
import { RequestHead } from "../../mcp/headers/request_head";
import { GateRequest, StageState } from "./request";
import { PASS, Verdict } from "./verdict";

/** The stage of a state. */
export function stageOf(state: StageState): Stage {
  return changetype<Stage>(state.stage);
}

/**
 * Decides about requests. A stage neither holds nor answers them: it returns verdicts, which the gate carries out. The
 * gate asks the stages of a configuration in order, each about the requests that it applies to, and an answer is final.
 */
export abstract class Stage {
  /** Number of requests with a state of this stage, which refers to the stage by its address. Counted by the gate. */
  users: i32 = 0;

  /** Whether the stage applies to a request, judging by its headers. `endOfStream`: the request has no body. */
  abstract concerns(head: RequestHead, endOfStream: bool): bool;

  /** A state for another request, filled with zeros. */
  abstract open(): StageState;

  /** Decides, from its headers, whether a request passes, is held or is answered. Host calls refer to its stream. */
  abstract begin(state: StageState, request: GateRequest, head: RequestHead): Verdict;

  /** Decides whether to keep holding or to answer a held request whose body has grown to `request.heldBytes` bytes. */
  abstract grow(state: StageState, request: GateRequest): Verdict;

  /** Decides about a complete request that this stage holds: passes or answers it, or holds it until a later verdict
   *  by {@link LaterVerdicts}. Its body is in the proxy's buffer, `request.heldBytes` bytes. All stages that hold a
   *  request are asked at its end. A stage that keeps holding it does not prevent those behind it from answering. */
  abstract conclude(state: StageState, request: GateRequest): Verdict;

  /** Receives bytes of a passing request if `state.reads`. */
  abstract bytes(state: StageState, request: GateRequest, at: usize, length: usize): void;

  /** Handles the end of a passed request that `state.reads`. */
  abstract end(state: StageState, request: GateRequest): void;

  /** Answers a request that this stage holds, whose headers the proxy has held for too long without a body. */
  abstract expire(state: StageState, request: GateRequest): Verdict;

  /** Answers a request that this stage would hold if its caller, or all callers together, did not have too many
   *  held. */
  abstract overload(state: StageState, request: GateRequest): Verdict;

  /** Answers a request some of whose messages this stage has rejected, and whose body cannot be rewritten. */
  abstract unwritable(state: StageState, request: GateRequest): Verdict;

  /** Decides about a response by which another filter limited a request that passed: passes it, or answers in its
   *  place. Host calls refer to the stream. */
  elsewhereLimited(_state: StageState, _request: GateRequest): Verdict {
    return PASS;
  }

  /** The parts of the response that this stage may change. Called after the response headers arrived. Host calls
   *  refer to the stream. */
  editedParts(_state: StageState, _request: GateRequest): Parts {
    return 0;
  }

  /** The lists, of those in {@link editedParts}, whose elements this stage may withhold. In other lists only the
   *  cache scope changes, because other callers may see fewer elements. */
  withheldParts(_state: StageState, _request: GateRequest): Parts {
    return 0;
  }

  /** The parts of the response that this stage reads only to record them. */
  observedParts(_state: StageState, _request: GateRequest): Parts {
    return 0;
  }

  /** Whether to withhold an element of a list in {@link editedParts} or {@link observedParts} from the client. The
   *  result has an effect only for the edited parts. */
  withholds(_state: StageState, _request: GateRequest, _element: ListElement): bool {
    return false;
  }

  /** Whether the client must not see a server request. Called if {@link SERVER_REQUESTS} is among the edited or
   *  observed parts, with the `length` bytes of its method. */
  deniesServerRequest(_state: StageState, _request: GateRequest, _method: usize, _length: i32): bool {
    return false;
  }

  /** Handles the end of the stream. The state must not be used afterwards. */
  abstract close(state: StageState): void;
}
