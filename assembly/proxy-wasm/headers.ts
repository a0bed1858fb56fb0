import { Headers } from "../host/headers";
import { HeaderMapType, Status, proxy_get_header_map_pairs } from "./module/abi";
import { clearResults, results } from "./module/results";

/** Headers as the host serializes them: the count, then the lengths of each name and value, then each name and value
 *  followed by a NUL. One host call reads them all. */
export class HostHeaders extends Headers {
  /** The number of headers that {@link next} has not reached. */
  protected left: u32 = 0;
  private lengths: usize = 0;
  private text: usize = 0;

  constructor(private type: HeaderMapType) {
    super();
  }

  open(): void {
    this.left = 0;
    clearResults();
    if (proxy_get_header_map_pairs(this.type, results, results + sizeof<usize>()) != Status.Ok) return;
    const at = load<usize>(results);
    if (load<usize>(results, sizeof<usize>()) < sizeof<u32>()) return;
    this.left = load<u32>(at);
    this.lengths = at + sizeof<u32>();
    this.text = this.lengths + <usize>this.left * 8;
  }

  next(): bool {
    if (this.left == 0) return false;
    this.left--;
    this.nameLength = load<i32>(this.lengths);
    this.valueLength = load<i32>(this.lengths, 4);
    this.lengths += 8;
    this.name = this.text;
    this.value = this.name + this.nameLength + 1;
    this.text = this.value + this.valueLength + 1;
    return true;
  }
}
