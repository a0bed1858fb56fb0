import { Random } from "../host/random";
import { random_get } from "./module/abi";
import { results } from "./module/results";

/** The proxy's source of randomness. */
export class HostRandom extends Random {
  next(): u64 {
    random_get(results, 8);
    return load<u64>(results);
  }
}
