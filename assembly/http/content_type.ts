import { equalsIgnoringCase } from "../memory/bytes";

/** What a body is, by its content-type. */
export enum ContentType {
  Other,
  Json,
  EventStream,
}

const PARAMETERS_LIMIT: i32 = 32;
const parameters: usize = heap.alloc(PARAMETERS_LIMIT);

/** The media type, parameters apart (RFC 9110 section 8.3). */
export function contentType(at: usize, length: usize): ContentType {
  let end: usize = 0;
  while (end < length && load<u8>(at + end) != 0x3b && load<u8>(at + end) != 0x20) end++;
  if (equalsIgnoringCase(at, end, "application/json")) return ContentType.Json;
  return equalsIgnoringCase(at, end, "text/event-stream") ? ContentType.EventStream : ContentType.Other;
}

/** Whether a media type's parameters are none, or `charset=utf-8` alone (RFC 9110 section 8.3.1): another one, which some
 *  servers heed, would make other characters of the same bytes. */
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

/** Whether the content-encoding is any but `identity`. */
export function isCompressed(at: usize, length: usize): bool {
  return length > 0 && !equalsIgnoringCase(at, length, "identity");
}
