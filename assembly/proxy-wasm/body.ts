import { Body } from "../host/body";
import { BufferType } from "./module/abi";
import { arenaEpoch, resetArena } from "./module/arena";
import { BufferSlice } from "./module/buffers";

/**
 * Reads bodies in slices of at most 64 KiB, so that the VM's memory stays small even if the proxy's buffers are large.
 */
const SLICE: usize = 65536;

/** A whole body of up to 32 KiB is kept until the callback ends, which leaves room in the arena for other values. */
const KEPT: usize = SLICE / 2;

/**
 * Reads one of the proxy's buffers, slice by slice. Reading the next slice frees everything that the host has handed
 * over in this callback. A small body that is read several times in one callback takes one host call: nothing may write
 * to the buffer between the reads.
 */
export class HostBody extends Body {
  private size: usize = 0;
  private slice: BufferSlice = new BufferSlice();
  /** Size in bytes of the whole body that the slice holds; 0 if the slice holds no whole body. Valid only in this
   *  arena epoch. */
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
