import { IdKind } from "../../jsonrpc/id";
import { Pool } from "../../memory/pool";

/** The maximum number of records of an admission. */
export const ADMISSION_LIMIT: i32 = 16;
/** The size of a record in bytes. */
export const ADMISSION_RECORD: usize = 32;

/**
 * Records of what limits must settle when the operation of an admitted request ends. Only limits read them. If the operation
 * waits for its response, the records move to the store with it. Pooled.
 */
@unmanaged
export class Admission {
  /** The address of the stream's next admission whose operation has not started; 0 for none. */
  next: usize;
  /** The kind and the hash of the request's JSON-RPC id. */
  idKind: IdKind;
  idHash: u64;
  /** The number of records, which are stored after this object. */
  count: i32;
  /** Used by limits only: the session of an operation that may be cancelled, its start in nanoseconds, and the addresses of
   *  its neighbours in the list of such operations (0 for none). */
  session: u64;
  startedAt: u64;
  older: usize;
  newer: usize;

  static acquire(kind: IdKind, idHash: u64): Admission {
    const self = changetype<Admission>(pool.acquire());
    self.idKind = kind;
    self.idHash = idHash;
    return self;
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The address of the record with this index. */
  record(index: i32): usize {
    return changetype<usize>(this) + offsetof<Admission>() + <usize>index * ADMISSION_RECORD;
  }

  /** Adds a record and returns its address; 0 if there is no room. */
  add(): usize {
    return this.count < ADMISSION_LIMIT ? this.record(this.count++) : 0;
  }
}

const pool = new Pool(offsetof<Admission>() + <usize>ADMISSION_LIMIT * ADMISSION_RECORD);
