import { equalsText } from "../../memory/bytes";

/** The revisions of MCP. The first entry stands for all others. Code must not rely on the order. */
const REVISIONS: string[] = ["_OTHER", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/** The index for an unknown or missing revision. */
export const UNKNOWN_REVISION: i32 = 0;
export const REVISION_COUNT: i32 = 6;
/** The first revision without sessions, in which a client cancels by closing the stream (2026-07-28,
 *  basic/transports/streamable-http). */
export const MODERN_REVISION: i32 = 5;

/** The index of the revision with this name; {@link UNKNOWN_REVISION} if there is none. */
export function revisionOf(at: usize, length: u32): i32 {
  for (let i = 1; i < REVISIONS.length; i++) {
    if (equalsText(at, length, unchecked(REVISIONS[i]))) return i;
  }
  return UNKNOWN_REVISION;
}

/** The value of the label `mcp_protocol_version`. */
export function revisionName(revision: i32): string {
  return REVISIONS[revision];
}
