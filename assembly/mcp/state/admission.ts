import { IdKind } from "../../jsonrpc/id";
import { Pool } from "../../memory/pool";

/** Records of an admission, at most. */
export const ADMISSION_LIMIT: i32 = 16;
/** Bytes of a record. */
export const ADMISSION_RECORD: usize = 32;

/**
 * What limits have to settle when the operation of an admitted request ends: records that only limits read. An operation
 * that waits for its answer takes them along into the store. Pooled.
 */
@unmanaged
export class Admission {
  /** The address of the next one of its stream whose operation has not begun; 0 for none. */
  next: usize;
  /** Of the request's JSON-RPC id. */
  idKind: IdKind;
  idHash: u64;
  /** The records behind this object. */
  count: i32;
  /** Set and read by limits alone: the session of an operation that may be cancelled, when it began in nanoseconds, and the
   *  addresses of its neighbours in the list of those. */
  session: u64;
  startedAt: u64;
  older: usize;
  newer: usize;

  static take(kind: IdKind, idHash: u64): Admission {
    const self = changetype<Admission>(pool.take());
    self.idKind = kind;
    self.idHash = idHash;
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The address of the record of this index. */
  record(index: i32): usize {
    return changetype<usize>(this) + offsetof<Admission>() + <usize>index * ADMISSION_RECORD;
  }

  /** The address of another record, which is added; 0 where there is no room. */
  add(): usize {
    return this.count < ADMISSION_LIMIT ? this.record(this.count++) : 0;
  }
}

const pool = new Pool(offsetof<Admission>() + <usize>ADMISSION_LIMIT * ADMISSION_RECORD);
