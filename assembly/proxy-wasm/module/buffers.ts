import { BufferType, Status, proxy_get_buffer_bytes } from "./abi";
import { clearResults, results } from "./results";

/** A slice of one of the host's buffers. */
export class BufferSlice {
  at: usize = 0;
  length: usize = 0;

  /** Reads at most `maxLength` bytes starting at offset `start`, with one host call. False if there are none. */
  read(type: BufferType, start: usize, maxLength: usize): bool {
    this.length = 0;
    clearResults();
    if (proxy_get_buffer_bytes(type, start, maxLength, results, results + sizeof<usize>()) != Status.Ok) return false;
    this.at = load<usize>(results);
    this.length = load<usize>(results, sizeof<usize>());
    return this.length > 0;
  }
}
