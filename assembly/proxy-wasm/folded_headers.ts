import { HostHeaders } from "./headers";

/** Headers of a host that passes names as they were written. Their names are put into lower case. */
export class FoldedHeaders extends HostHeaders {
  next(): bool {
    if (!super.next()) return false;
    // The text is a copy of the host's, in this module's memory.
    const end = this.name + this.nameLength;
    for (let at = this.name; at < end; at++) {
      const byte = load<u8>(at);
      if (byte - 0x41 < 26) store<u8>(at, byte | 0x20);
    }
    return true;
  }
}
