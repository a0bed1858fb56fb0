import { GateRequest } from "../../gate/stage/request";
import { Action } from "../../proxy-wasm/module/abi";

/** Keeps the bodies of held requests from the server until the gate has decided. */
export abstract class Holding {
  /** What a body callback returns while the request waits for the rest of its body. */
  abstract get waiting(): Action;

  /** Holds what the current body callback brings: `size` bytes, as the proxy shows them. Returns the size of the whole body so
   *  far; the maximum of the type if the bytes cannot be held, so that the gate answers the request. */
  abstract hold(request: GateRequest, size: usize): usize;

  /** Shows the gate the whole body, until {@link close}. */
  abstract open(request: GateRequest): void;

  /** Ends {@link open}. `passes`: the whole body goes on now. Returns false if it cannot; then the request must be answered. */
  abstract close(request: GateRequest, passes: bool): bool;
}
