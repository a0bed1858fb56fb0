import { equalsText } from "../memory/bytes";

/** Whether these bytes name a revision without sessions, in which a client cancels by closing the stream (2026-07-28,
 *  basic/transports/streamable-http). Revisions are an enumerated set, they have no order. */
export function isModernRevision(at: usize, length: u32): bool {
  return equalsText(at, length, "2026-07-28");
}
