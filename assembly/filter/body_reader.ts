import { BufferSlice } from "../proxy-wasm/buffers";
import { BufferType } from "../proxy-wasm/module/abi";
import { resetArena } from "../proxy-wasm/module/arena";

/** Bodies are read in slices of this size, so that the memory for them stays small whatever the proxy's buffers hold. */
const SLICE: usize = 65536;

/** Reads one of the proxy's buffers, slice by slice, as often as one begins. What a slice shares with the host's memory
 *  is gone with the next one. */
export class BodyReader {
  /** Bytes read since the beginning. */
  total: usize = 0;
  private size: usize = 0;
  private slice: BufferSlice = new BufferSlice();

  constructor(private type: BufferType) {}

  /** The slice in hand. */
  get at(): usize {
    return this.slice.at;
  }

  get length(): usize {
    return this.slice.length;
  }

  /** Begins anew with a buffer of `size` bytes. */
  begin(size: usize): void {
    this.size = size;
    this.total = 0;
  }

  /** Goes on to the next slice. False where there is none. */
  next(): bool {
    if (this.total) resetArena();
    if (this.total >= this.size) return false;
    if (!this.slice.read(this.type, this.total, min(SLICE, this.size - this.total))) return false;
    this.total += this.slice.length;
    return true;
  }
}
