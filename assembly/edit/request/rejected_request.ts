import { IdKind } from "../../jsonrpc/id";
import { Outcome } from "../../mcp/protocol/outcome";
import { Pool } from "../../memory/pool";
import { ERROR_LIMIT } from "../../store/rejection_errors";

/** A request that the gate keeps from the server, which answers it with an error of its own: the error that replaces that one.
 *  Pooled. */
@unmanaged
export class RejectedRequest {
  /** The address of the next one of its body, or 0. */
  next: usize;
  idKind: IdKind;
  /** The hash of its id: see `jsonrpc/id.ts`. */
  idHash: u64;
  /** Denied or Limited. */
  outcome: Outcome;
  /** Bytes of the JSON text of the error at `error`; 0 where it would be too long. */
  length: i32;

  static take(kind: IdKind, idHash: u64, outcome: Outcome, at: usize, length: i32): RejectedRequest {
    const self = changetype<RejectedRequest>(pool.take());
    self.idKind = kind;
    self.idHash = idHash;
    self.outcome = outcome;
    self.length = length <= ERROR_LIMIT ? length : 0;
    memory.copy(self.error, at, self.length);
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  get error(): usize {
    return changetype<usize>(this) + offsetof<RejectedRequest>();
  }
}

const pool = new Pool(offsetof<RejectedRequest>() + <usize>ERROR_LIMIT);
