import { Properties } from "../host/properties";
import { Bytes } from "../memory/bytes";
import { keyedHash } from "../memory/keyed_hash";
import { ServerKey } from "./keys";

/** Determines which server a stream goes to. */
export class Servers {
  /** The name of the server that {@link resolve} found, `length` bytes, empty where it is not known. Valid until the next
   *  call of the host. */
  at: usize = 0;
  length: i32 = 0;
  private name: Bytes;

  /** @param name the configured name; empty to use the upstream cluster's. */
  constructor(
    name: string,
    private properties: Properties,
  ) {
    this.name = Bytes.of(name);
  }

  /** The key of the server that the current stream goes to: that of an empty name where it is not known. Asks the host
   *  unless the name is configured. */
  resolve(): ServerKey {
    const properties = this.properties;
    this.length = 0;
    if (this.name.length) {
      this.at = this.name.at;
      this.length = this.name.length;
    } else if (properties.find("xds.cluster_name")) {
      this.at = properties.at;
      this.length = properties.length;
    }
    return keyedHash(this.at, this.length);
  }
}
