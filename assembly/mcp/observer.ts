import { Refusal } from "../jsonrpc/message_reader";
import { Exchange } from "./exchange";
import { Method, TargetKind } from "./methods";
import { Operation } from "./operation";
import { StreamEnd } from "./stream_kinds";

/** Why something of MCP could not be read: the label `mcp_reason`. */
export enum Undecoded {
  Compressed,
  Batch,
  Syntax,
  Truncated,
  Depth,
  NotJsonRpc,
}

const REASONS: string[] = ["compressed", "batch", "syntax", "truncated", "depth", "not_jsonrpc"];

export function undecodedName(reason: Undecoded): string {
  return REASONS[reason];
}

/** The reason that a refused document is counted under. */
export function undecodedBy(refusal: Refusal): Undecoded {
  switch (refusal) {
    case Refusal.Batch:
      return Undecoded.Batch;
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

/** Is told what happens on a stream of MCP. */
export abstract class Observer {
  /** A request has got its one outcome. */
  abstract operationEnded(exchange: Exchange, operation: Operation): void;
  /** A notification of `size` bytes passed. */
  abstract notification(exchange: Exchange, method: Method, fromClient: bool, size: u64): void;
  /** The server lists a tool or prompt of this name. */
  abstract listed(exchange: Exchange, kind: TargetKind, at: usize, length: u32): void;
  /** Something could not be read. */
  abstract undecoded(exchange: Exchange, reason: Undecoded): void;
  /** The stream is over. */
  abstract streamEnded(exchange: Exchange, end: StreamEnd): void;
}
