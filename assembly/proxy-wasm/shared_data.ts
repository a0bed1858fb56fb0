import { SharedData } from "../host/shared_data";
import { Status, proxy_get_shared_data, proxy_set_shared_data } from "./module/abi";
import { ArenaMark, releaseSince } from "./module/arena";
import { clearResults, results } from "./module/results";

/** The version that creates a key only if it does not exist. With version 0, Envoy would overwrite a value that another
 *  thread has written in the meantime. */
const CREATE: u32 = 0xffffffff;

const mark = new ArenaMark();

/** The proxy's shared data. All threads with the same vm_id share it. */
export class HostSharedData extends SharedData {
  read(key: usize, keyLength: i32, to: usize, capacity: i32): i32 {
    mark.set();
    clearResults();
    this.version = CREATE;
    const status = proxy_get_shared_data(key, keyLength, results, results + 4, results + 8);
    if (status != Status.Ok) return -1;
    this.version = load<u32>(results, 8);
    const length = min(load<i32>(results, 4), capacity);
    memory.copy(to, load<usize>(results), length);
    releaseSince(mark);
    return length;
  }

  write(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool {
    if (proxy_set_shared_data(key, keyLength, value, length, version) == Status.Ok) return true;
    if (version != CREATE) return false;
    // ngx_wasm_module does not support creation by version: the key still does not exist.
    mark.set();
    const status = proxy_get_shared_data(key, keyLength, results, results + 4, results + 8);
    releaseSince(mark);
    return status == Status.NotFound && proxy_set_shared_data(key, keyLength, value, length, 0) == Status.Ok;
  }
}
