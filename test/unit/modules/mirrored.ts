import { TEXT_LIMIT } from "../../../assembly/json/string_decoder";
import { headerHash } from "../../../assembly/mcp/headers/mirrored_headers";
import { keyedTextHash } from "../../../assembly/memory/keyed_hash";

export { allocate } from "./common/allocate";

/** The hash of a header's value. */
export function ofHeader(at: usize, length: i32): u64 {
  return headerHash(at, length);
}

/** The hash of a text of the body. */
export function ofText(at: usize, length: i32): u64 {
  return keyedTextHash(at, min(length, <i32>TEXT_LIMIT), length);
}
