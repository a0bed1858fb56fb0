import { HeaderMap } from "../host/header_map";
import {
  HeaderMapType,
  Status,
  proxy_add_header_map_value,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "./module/abi";
import { DOT, NAME, NAME_LIMIT, writeName } from "./module/names";
import { clearResults, results } from "./module/results";

/** One of the proxy's header maps. */
export class HostHeaderMap extends HeaderMap {
  constructor(private type: HeaderMapType) {
    super();
  }

  find(name: string): bool {
    this.length = 0;
    if (!prepare(name)) return false;
    clearResults();
    const valueLength = results + sizeof<usize>();
    if (proxy_get_header_map_value(this.type, NAME, name.length, results, valueLength) != Status.Ok) return false;
    this.at = load<usize>(results);
    this.length = load<i32>(valueLength);
    return true;
  }

  replace(name: string, value: usize, length: i32): bool {
    return prepare(name) && proxy_replace_header_map_value(this.type, NAME, name.length, value, length) == Status.Ok;
  }

  add(name: string, value: usize, length: i32): bool {
    return prepare(name) && proxy_add_header_map_value(this.type, NAME, name.length, value, length) == Status.Ok;
  }

  remove(name: string): bool {
    return prepare(name) && proxy_remove_header_map_value(this.type, NAME, name.length) == Status.Ok;
  }
}

/** Writes the name for the host. False if it is too long. */
function prepare(name: string): bool {
  if (name.length > NAME_LIMIT) return false;
  writeName(name, DOT);
  return true;
}
