import { equalsText } from "../../memory/bytes";

/** The revisions of MCP: an enumerated set, in no order. The first stands for all others. */
const REVISIONS: string[] = ["_OTHER", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/** The index of a revision that nobody named. */
export const UNKNOWN_REVISION: i32 = 0;
export const REVISION_COUNT: i32 = 6;
/** The first revision without sessions, in which a client cancels by closing the stream (2026-07-28,
 *  basic/transports/streamable-http). */
export const MODERN_REVISION: i32 = 5;

/** The index of the revision that these bytes name. */
export function revisionOf(at: usize, length: u32): i32 {
  for (let i = 1; i < REVISIONS.length; i++) {
    if (equalsText(at, length, unchecked(REVISIONS[i]))) return i;
  }
  return UNKNOWN_REVISION;
}

/** The label `mcp_protocol_version`. */
export function revisionName(revision: i32): string {
  return REVISIONS[revision];
}
