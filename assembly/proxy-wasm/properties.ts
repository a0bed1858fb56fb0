import { Properties } from "../host/properties";
import { Status, proxy_get_property } from "./module/abi";
import { DOT, NAME, NAME_LIMIT, writeName } from "./module/names";
import { clearResults, results } from "./module/results";

/** The proxy's attributes of the current stream. */
export class HostProperties extends Properties {
  find(path: string): bool {
    // The ABI separates the segments of a path by NUL.
    writeName(path, 0);
    return this.get(path.length);
  }

  findSegments(path: string): bool {
    if (path.length > NAME_LIMIT) return false;
    writeName(path, DOT);
    return this.get(path.length);
  }

  private get(pathLength: i32): bool {
    clearResults();
    const status = proxy_get_property(NAME, pathLength, results, results + sizeof<usize>());
    this.isThere = status == Status.Ok;
    this.isMissing = status == Status.NotFound;
    this.length = 0;
    if (!this.isThere) return false;
    this.at = load<usize>(results);
    this.length = load<i32>(results, sizeof<usize>());
    return this.length > 0;
  }
}
