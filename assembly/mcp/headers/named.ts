import { Headers } from "../../host/headers";
import { equalsText } from "../../memory/bytes";

/** Whether the current header has this name (in lower case). */
@inline
export function named(header: Headers, name: string): bool {
  return equalsText(header.name, header.nameLength, name);
}
