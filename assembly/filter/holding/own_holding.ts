import { GateRequest } from "../../gate/stage/request";
import { Body } from "../../host/body";
import { BodyWriter } from "../../host/body_writer";
import { Action } from "../../proxy-wasm/module/abi";
import { Holding } from "./holding";
import { KeptBody } from "./kept_body";

/**
 * For a proxy that forwards each part of a body after its callback, even if the plugin pauses. It moves the parts into the
 * VM's memory, so that the server gets no byte of the body before the decision, and then all of it at once.
 */
export class OwnHolding extends Holding {
  /**
   * @param body the part of the body in the current callback
   * @param writer writes that part
   * @param kept shows the gate the whole body
   * @param most the size of the largest body, in bytes. No byte of a larger body passes, even if `hold.maxBodyBytes` is larger.
   */
  constructor(
    private body: Body,
    private writer: BodyWriter,
    private kept: KeptBody,
    private most: usize,
  ) {
    super();
  }

  get waiting(): Action {
    return Action.Continue;
  }

  hold(request: GateRequest, size: usize): usize {
    const kept = request.openKept();
    const total = request.heldBytes + size;
    if (total <= this.most) {
      const body = this.body;
      body.begin(size);
      while (body.next()) kept.append(body.at, body.length);
    }
    if (size > 0 && !this.writer.replace(size, 0, 0)) return usize.MAX_VALUE;
    return total <= this.most && kept.length < total ? usize.MAX_VALUE : total;
  }

  open(request: GateRequest): void {
    this.kept.show(request.openKept());
  }

  close(request: GateRequest, passes: bool): bool {
    const kept = request.openKept();
    const isWhole = kept.length == request.heldBytes;
    const isWritten = !passes || (isWhole && (kept.length == 0 || this.writer.prepend(kept.at, kept.length)));
    this.kept.hide();
    request.releaseKept();
    return isWritten;
  }
}
