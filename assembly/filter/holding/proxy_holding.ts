import { GateRequest } from "../../gate/stage/request";
import { Action } from "../../proxy-wasm/module/abi";
import { Holding } from "./holding";

/** For a proxy that buffers the body of a paused request, and shows all of it in each callback. */
export class ProxyHolding extends Holding {
  get waiting(): Action {
    return Action.Pause;
  }

  hold(_request: GateRequest, size: usize): usize {
    return size;
  }

  open(_request: GateRequest): void {}

  close(_request: GateRequest, _passes: bool): bool {
    return true;
  }
}
