import { IdKind } from "../../jsonrpc/id";
import { Outcome } from "../../mcp/protocol/outcome";
import { Pool } from "../../memory/pool";
import { ERROR_LIMIT } from "../../store/rejection_errors";

/**
 * A rejected request that goes to the server with an unknown method, and the error that replaces the one in the
 * server's response. Pooled.
 */
@unmanaged
export class RejectedRequest {
  /** Address of the next rejected request in the same body; 0 for none. */
  next: usize;
  idKind: IdKind;
  /** Hash of the JSON-RPC id: see `jsonrpc/id.ts`. */
  idHash: u64;
  /** Denied or Limited. */
  outcome: Outcome;
  /** Length in bytes of the error's JSON text at `error`; 0 if it would be too long. */
  length: i32;

  static acquire(kind: IdKind, idHash: u64, outcome: Outcome, at: usize, length: i32): RejectedRequest {
    const self = changetype<RejectedRequest>(pool.acquire());
    self.idKind = kind;
    self.idHash = idHash;
    self.outcome = outcome;
    self.length = length <= ERROR_LIMIT ? length : 0;
    memory.copy(self.error, at, self.length);
    return self;
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  get error(): usize {
    return changetype<usize>(this) + offsetof<RejectedRequest>();
  }
}

const pool = new Pool(offsetof<RejectedRequest>() + <usize>ERROR_LIMIT);
