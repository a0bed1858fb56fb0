import { SharedData } from "../host/shared_data";
import { Status, proxy_get_shared_data, proxy_set_shared_data } from "./module/abi";
import { ArenaMark, releaseSince } from "./module/arena";
import { clearResults, results } from "./module/results";

const mark = new ArenaMark();

/** The proxy's shared data. All threads with the same vm_id share it. */
export class HostSharedData extends SharedData {
  /** @param absent the version with which the host creates a key that does not exist, and changes none that exists */
  constructor(private absent: u32) {
    super();
  }

  read(key: usize, keyLength: i32, to: usize, capacity: i32): i32 {
    mark.set();
    clearResults();
    this.version = this.absent;
    const status = proxy_get_shared_data(key, keyLength, results, results + 4, results + 8);
    if (status != Status.Ok) return -1;
    this.version = load<u32>(results, 8);
    const length = min(load<i32>(results, 4), capacity);
    memory.copy(to, load<usize>(results), length);
    releaseSince(mark);
    return length;
  }

  write(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool {
    return proxy_set_shared_data(key, keyLength, value, length, version) == Status.Ok;
  }
}
