import { KEY_CLAIMS_LIMIT } from "../../config/limits/limits_config";
import { Pool } from "../../memory/pool";

/** Maximum length in bytes of a kept request id. */
const ID_LIMIT: i32 = 64;

/** What limits know about a request in addition to its {@link RequestState}. Pooled. */
@unmanaged
export class LimitFacts {
  /** Keyed hashes of the caller's principal and address; 0 if there is none. */
  principal: u64;
  address: u64;
  /** Address of the stream. */
  stream: usize;
  /** Address of the ledger of the stream's unit. */
  ledger: usize;
  /** Address of the {@link Admission} of a stream opened by GET; 0 for none. */
  admission: usize;
  /** Address of the {@link Waiter} of the request; 0 if it does not wait. */
  waiter: usize;
  /** Length in bytes of the id of the only request that passed; 0 for none, or if it is longer than 64 bytes. */
  idLength: i32;
  isIdText: bool;

  static acquire(): LimitFacts {
    return changetype<LimitFacts>(pool.acquire());
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The owner to whom new keys are charged: the principal, otherwise the address. 0 if neither is known. */
  get owner(): u64 {
    return this.principal ? this.principal : this.address;
  }

  /** Keyed hash of the claim of this index among the claims of keys; 0 if the caller has none. */
  claim(index: i32): u64 {
    return load<u64>(this.claimsAt + ((<usize>index) << 3));
  }

  setClaim(index: i32, hash: u64): void {
    store<u64>(this.claimsAt + ((<usize>index) << 3), hash);
  }

  /** Address of the id. */
  get id(): usize {
    return this.claimsAt + ((<usize>KEY_CLAIMS_LIMIT) << 3);
  }

  /** Keeps the id of a request: a string if `isText`, otherwise a number. */
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
