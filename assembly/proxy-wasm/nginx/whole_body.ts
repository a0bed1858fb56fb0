import { Body } from "../../host/body";
import { BufferType } from "../module/abi";
import { arenaEpoch } from "../module/arena";
import { BufferSlice } from "../module/buffers";

/**
 * Reads one of NGINX's buffers as a single slice. ngx_wasm_module ignores the offset of a read, and copies a part of a chain
 * of buffers beyond the memory that it has allocated.
 */
export class WholeBody extends Body {
  private size: usize = 0;
  private slice: BufferSlice = new BufferSlice();
  private isRead: bool = false;
  /** The size of the body that was read last, in this arena epoch; 0 if there was none. */
  private held: usize = 0;
  private epoch: u32 = 0;
  /** Whether the host returned that body. It does not return a body that it has written to a file. */
  private isThere: bool = false;

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
    this.isRead = false;
  }

  next(): bool {
    if (this.isRead || !this.size) return false;
    this.isRead = true;
    if (this.held != this.size || this.epoch != arenaEpoch) {
      this.isThere = this.slice.read(this.type, 0, this.size) && this.slice.length == this.size;
      this.held = this.size;
      this.epoch = arenaEpoch;
    }
    if (this.isThere) this.total = this.size;
    return this.isThere;
  }
}
