import { Refusal } from "../../jsonrpc/message_reader";

/** Why something of MCP could not be read: the label `mcp_reason`. */
export enum Undecoded {
  Compressed,
  /** A request beyond those that are kept of one batch. */
  Batch,
  Syntax,
  Truncated,
  Depth,
  NotJsonRpc,
  /** A request of HTTP+SSE of which it cannot be told which stream answers it. */
  Unpaired,
}

const REASONS: string[] = ["compressed", "batch", "syntax", "truncated", "depth", "not_jsonrpc", "unpaired"];

export function undecodedName(reason: Undecoded): string {
  return REASONS[reason];
}

/** The reason that a refused message or batch is counted under. */
export function undecodedBy(refusal: Refusal): Undecoded {
  switch (refusal) {
    case Refusal.Syntax:
      return Undecoded.Syntax;
    case Refusal.Truncated:
      return Undecoded.Truncated;
    case Refusal.Depth:
      return Undecoded.Depth;
    default:
      return Undecoded.NotJsonRpc;
  }
}
