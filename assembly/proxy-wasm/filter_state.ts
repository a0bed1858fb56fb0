import { FilterState } from "../host/filter_state";
import { proxy_set_property } from "./module/abi";
import { DOT, PATH, writePath } from "./module/path";

/** The stream's filter state. Envoy keeps it under `wasm.` and the name. */
export class HostFilterState extends FilterState {
  set(name: string, value: usize, length: i32): void {
    writePath(name, DOT);
    proxy_set_property(PATH, name.length, value, length);
  }
}
