import { KEY_CLAIMS_LIMIT } from "../../config/limits/limits_config";
import { Pool } from "../../memory/pool";

/** Bytes of a request's id that are kept. */
const ID_LIMIT: i32 = 64;

/** What limits know of a request besides its {@link CheckedRequest}. Pooled. */
@unmanaged
export class LimitFacts {
  /** Keyed hashes of the principal and of the address of the caller; 0 where there is none. */
  principal: u64;
  address: u64;
  /** The address of the stream. */
  stream: usize;
  /** The address of the ledger of the stream's unit. */
  ledger: usize;
  /** The address of the {@link Admission} of a stream that a GET opens; 0 for none. */
  admission: usize;
  /** The address of what waits of it; 0 where it does not wait. */
  waiter: usize;
  /** Bytes of the id of the only request that was handed on; 0 for none, or for one that is longer than 64 bytes. */
  idLength: i32;
  isIdText: bool;

  static take(): LimitFacts {
    return changetype<LimitFacts>(pool.take());
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** Who uses up room for keys: the principal, else the address. 0 where neither is known. */
  get owner(): u64 {
    return this.principal ? this.principal : this.address;
  }

  /** The keyed hash of the claim of this index among those of keys; 0 where the caller has none. */
  claim(index: i32): u64 {
    return load<u64>(this.claimsAt + ((<usize>index) << 3));
  }

  setClaim(index: i32, hash: u64): void {
    store<u64>(this.claimsAt + ((<usize>index) << 3), hash);
  }

  /** The address of the id. */
  get id(): usize {
    return this.claimsAt + ((<usize>KEY_CLAIMS_LIMIT) << 3);
  }

  /** Keeps the id of a request: of a text where `isText`, else of a number. */
  keepId(at: usize, length: i32, isText: bool): void {
    if (length > ID_LIMIT) return;
    memory.copy(this.id, at, length);
    this.idLength = length;
    this.isIdText = isText;
  }

  private get claimsAt(): usize {
    return changetype<usize>(this) + offsetof<LimitFacts>();
  }
}

const pool = new Pool(offsetof<LimitFacts>() + ((<usize>KEY_CLAIMS_LIMIT) << 3) + ID_LIMIT);
