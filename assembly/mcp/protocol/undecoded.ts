import { ReadFault } from "../../jsonrpc/message_reader";

/** Why a message could not be read: the label `mcp_reason`. */
export enum Undecoded {
  Compressed,
  /** A request beyond the maximum number of requests that are stored for one batch. */
  Batch,
  Syntax,
  Truncated,
  Depth,
  NotJsonRpc,
  /** An HTTP+SSE request for which it is unknown which stream carries the response. */
  Unpaired,
}

const REASONS: string[] = ["compressed", "batch", "syntax", "truncated", "depth", "not_jsonrpc", "unpaired"];

export function undecodedName(reason: Undecoded): string {
  return REASONS[reason];
}

/** The reason under which an unreadable message or batch is counted. */
export function undecodedBy(fault: ReadFault): Undecoded {
  switch (fault) {
    case ReadFault.Syntax:
      return Undecoded.Syntax;
    case ReadFault.Truncated:
      return Undecoded.Truncated;
    case ReadFault.Depth:
      return Undecoded.Depth;
    default:
      return Undecoded.NotJsonRpc;
  }
}
