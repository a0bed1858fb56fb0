import { Body } from "../host/body";
import { BufferSlice } from "../proxy-wasm/buffers";
import { BufferType } from "../proxy-wasm/module/abi";
import { resetArena } from "../proxy-wasm/module/arena";

/** Bodies are read in slices of this size, so that the memory for them stays small whatever the proxy's buffers hold. */
const SLICE: usize = 65536;

/** Reads one of the proxy's buffers, slice by slice. Reading a further slice frees everything that the host has handed over
 *  in this callback. */
export class BodyReader extends Body {
  private size: usize = 0;
  private slice: BufferSlice = new BufferSlice();

  constructor(private type: BufferType) {
    super();
  }

  get at(): usize {
    return this.slice.at;
  }

  get length(): usize {
    return this.slice.length;
  }

  begin(size: usize): void {
    this.size = size;
    this.total = 0;
  }

  next(): bool {
    if (this.total) resetArena();
    if (this.total >= this.size) return false;
    if (!this.slice.read(this.type, this.total, min(SLICE, this.size - this.total))) return false;
    this.total += this.slice.length;
    return true;
  }
}
