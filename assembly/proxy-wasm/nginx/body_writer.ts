import { BodyWriter } from "../../host/body_writer";
import { BufferType, Status, proxy_set_buffer_bytes } from "../module/abi";
import { BufferSlice } from "../module/buffers";

/** More than any body has, and an offset beyond the end of every body. */
const ALL: usize = 0x7fffffff;

/** Writes to one of NGINX's body buffers. A write drops everything from its offset on, so that the rest of a body must be
 *  written again. */
export class NginxBodyWriter extends BodyWriter {
  private slice: BufferSlice = new BufferSlice();

  constructor(private type: BufferType) {
    super();
  }

  replace(length: usize, at: usize, size: usize): bool {
    const own = this.slice;
    own.read(this.type, 0, ALL);
    if (own.length <= length) return this.write(0, ALL, at, size);
    const rest = own.length - length;
    const whole = heap.alloc(size + rest);
    memory.copy(whole, at, size);
    memory.copy(whole + size, own.at + length, rest);
    const isWritten = this.write(0, ALL, whole, size + rest);
    heap.free(whole);
    return isWritten;
  }

  prepend(at: usize, size: usize): bool {
    return this.write(0, 0, at, size);
  }

  append(at: usize, size: usize): bool {
    return this.write(ALL, 0, at, size);
  }

  private write(start: usize, length: usize, at: usize, size: usize): bool {
    return proxy_set_buffer_bytes(this.type, start, length, at, size) == Status.Ok;
  }
}
