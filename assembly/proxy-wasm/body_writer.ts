import { BodyWriter } from "../host/body_writer";
import { BufferType, Status, proxy_set_buffer_bytes } from "./module/abi";
import { countReply } from "./module/garbage";

/** An offset beyond the end of every body: a write at this offset appends. */
const END: usize = 0x7fffffff;

/** Writes to one of the proxy's body buffers, at its start or its end. Envoy refuses all other offsets. */
export class HostBodyWriter extends BodyWriter {
  constructor(private type: BufferType) {
    super();
  }

  replace(length: usize, at: usize, size: usize): bool {
    return this.write(0, length, at, size);
  }

  prepend(at: usize, size: usize): bool {
    return this.write(0, 0, at, size);
  }

  append(at: usize, size: usize): bool {
    return this.write(END, 0, at, size);
  }

  private write(start: usize, length: usize, at: usize, size: usize): bool {
    if (this.type == BufferType.RequestBody) countReply();
    return proxy_set_buffer_bytes(this.type, start, length, at, size) == Status.Ok;
  }
}
