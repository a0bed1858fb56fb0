import { SharedData } from "../../host/shared_data";
import { Status, proxy_get_shared_data, proxy_set_shared_data } from "../module/abi";
import { ArenaMark, releaseSince } from "../module/arena";
import { clearResults, results } from "../module/results";

/** The version of a key that does not exist. A write with it succeeds only if no other worker has created the key. */
const ABSENT: u32 = 0;

const mark = new ArenaMark();

/** NGINX's zone of shared data (`shm_kv "*"`), which all workers share. */
export class NginxSharedData extends SharedData {
  read(key: usize, keyLength: i32, to: usize, capacity: i32): i32 {
    mark.set();
    clearResults();
    this.version = ABSENT;
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
