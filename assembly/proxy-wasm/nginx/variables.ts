import { FilterState } from "../../host/filter_state";
import { proxy_set_property } from "../module/abi";

const PREFIX = "ngx.";
/** The longest name of a value. */
const NAME_LIMIT: i32 = 64;
const NAME: usize = heap.alloc(PREFIX.length + NAME_LIMIT);

String.UTF8.encodeUnsafe(changetype<usize>(PREFIX), PREFIX.length, NAME);

/**
 * NGINX's variables: the value `mcp.method` is `$mcp_method`. NGINX knows a variable only if its configuration declares it
 * (`set $mcp_method "";`), and ignores values of others.
 */
export class NginxVariables extends FilterState {
  set(name: string, value: usize, length: i32): void {
    const size = min(name.length, NAME_LIMIT);
    for (let i = 0; i < size; i++) {
      const unit = name.charCodeAt(i);
      store<u8>(NAME + PREFIX.length + i, unit == 0x2e ? 0x5f : <u8>unit);
    }
    proxy_set_property(NAME, PREFIX.length + size, value, length);
  }

  /** Variables have no types. */
  declareText(_name: string): void {}
}
