import { equalsIgnoringCase } from "../memory/bytes";

/** The format of a body according to its content-type. */
export enum ContentType {
  Other,
  Json,
  EventStream,
}

const PARAMETERS_LIMIT: i32 = 32;
const parameters: usize = heap.alloc(PARAMETERS_LIMIT);

/** The format that a content-type names; parameters are ignored (RFC 9110 section 8.3). */
export function contentType(at: usize, length: usize): ContentType {
  let end: usize = 0;
  while (end < length && load<u8>(at + end) != 0x3b && load<u8>(at + end) != 0x20) end++;
  if (equalsIgnoringCase(at, end, "application/json")) return ContentType.Json;
  return equalsIgnoringCase(at, end, "text/event-stream") ? ContentType.EventStream : ContentType.Other;
}

/** Whether a content-type has no parameters, or only `charset=utf-8` (RFC 9110 section 8.3.1). With another charset, some
 *  servers would decode the same bytes to other characters. */
export function isUtf8(at: usize, length: i32): bool {
  let from = 0;
  while (from < length && load<u8>(at + from) != 0x3b && load<u8>(at + from) != 0x20) from++;
  let size = 0;
  for (let i = from; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == 0x20 || byte == 0x09 || byte == 0x22) continue;
    if (size == PARAMETERS_LIMIT) return false;
    store<u8>(parameters + size++, byte);
  }
  return size == 0 || size == 1 || equalsIgnoringCase(parameters, size, ";charset=utf-8");
}

/** Whether the content-encoding is present and not `identity`. */
export function isCompressed(at: usize, length: usize): bool {
  return length > 0 && !equalsIgnoringCase(at, length, "identity");
}
