import { FilterState } from "../host/filter_state";
import { proxy_set_property } from "./module/abi";
import { DOT, NAME, writeName } from "./module/names";

/** The stream's filter state. Envoy keeps it under `wasm.` and the name. */
export class HostFilterState extends FilterState {
  set(name: string, value: usize, length: i32): void {
    writeName(name, DOT);
    proxy_set_property(NAME, name.length, value, length);
  }
}
