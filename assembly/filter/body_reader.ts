import { Body } from "../host/body";
import { BufferSlice } from "../proxy-wasm/buffers";
import { BufferType } from "../proxy-wasm/module/abi";
import { arenaEpoch, resetArena } from "../proxy-wasm/module/arena";

/** Bodies are read in slices of this size, so that the memory for them stays small whatever the proxy's buffers hold. */
const SLICE: usize = 65536;

/** Whole bodies up to this size are kept until the callback ends: the arena has room for other values beside them. */
const KEPT: usize = SLICE / 2;

/** Reads one of the proxy's buffers, slice by slice. Reading a further slice frees everything that the host has handed over
 *  in this callback. A small body that is read several times in one callback takes one call of the host: nobody may write to
 *  the buffer in between. */
export class BodyReader extends Body {
  private size: usize = 0;
  private slice: BufferSlice = new BufferSlice();
  /** The size of the whole body that the slice has; 0 for none. Valid in this epoch alone. */
  private kept: usize = 0;
  private epoch: u32 = 0;

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
    if (this.epoch != arenaEpoch) this.kept = 0;
  }

  next(): bool {
    if (this.kept && this.kept == this.size) {
      const isFirst = this.total == 0;
      this.total = this.size;
      return isFirst;
    }
    if (this.total) resetArena();
    if (this.total >= this.size) return false;
    if (!this.slice.read(this.type, this.total, min(SLICE, this.size - this.total))) return false;
    this.total += this.slice.length;
    this.kept = this.size <= KEPT && this.slice.length == this.size ? this.size : 0;
    this.epoch = arenaEpoch;
    return true;
  }
}
