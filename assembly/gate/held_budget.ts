import { CALLER_PART, HoldConfig } from "../config/rules/hold_config";
import { Table } from "../memory/table";
import { GateRequest } from "./stage/request";

/** What a caller has held is packed: the number of requests above {@link BYTES_BITS} bits for the number of bytes. */
const BYTES_BITS: u64 = 40;
const BYTES_MASK: u64 = (1 << BYTES_BITS) - 1;

/** What a plugin instance holds of requests on this worker. It is bounded, for each caller too, so that no caller can keep
 *  others from being served, and the proxy's memory does not grow with what clients send. */
export class HeldBudget {
  private streams: u32 = 0;
  private bytes: u64 = 0;
  private byOwner: Table = new Table(64);

  /** @param hold the bounds, by the configuration that applies. */
  constructor(public hold: HoldConfig) {}

  /** Counts a request that is to be held. False where that is one too many: then it is not counted. */
  add(request: GateRequest): bool {
    const most = <u32>this.hold.maxStreams;
    const owner = keyOf(request);
    const owned = this.byOwner.get(owner);
    const ofOwner = <u32>(owned >> BYTES_BITS);
    if (this.streams >= most || ofOwner >= partOf(most)) return false;
    request.isBudgeted = true;
    request.budgetedBytes = 0;
    request.budgetedOwner = owner;
    this.streams++;
    this.byOwner.set(owner, owned + (1 << BYTES_BITS));
    return true;
  }

  /** The body of a counted request has grown to `size` bytes. False where that is too much. */
  grow(request: GateRequest, size: usize): bool {
    if (size <= request.budgetedBytes) return true;
    const more = size - request.budgetedBytes;
    const owned = this.byOwner.get(request.budgetedOwner);
    const most = this.hold.maxBytes;
    if (this.bytes + more > most || (owned & BYTES_MASK) + more > partOf(most)) return false;
    this.bytes += more;
    request.budgetedBytes = size;
    this.byOwner.set(request.budgetedOwner, owned + more);
    return true;
  }

  /** The request is not held any more. Nothing where it is not counted. */
  remove(request: GateRequest): void {
    if (!request.isBudgeted) return;
    request.isBudgeted = false;
    this.streams--;
    this.bytes -= request.budgetedBytes;
    const left = this.byOwner.get(request.budgetedOwner) - (1 << BYTES_BITS) - request.budgetedBytes;
    if (left) this.byOwner.set(request.budgetedOwner, left);
    else this.byOwner.delete(request.budgetedOwner);
  }
}

function partOf(most: u32): u32 {
  return max<u32>(most / CALLER_PART, 1);
}

/** The key of the request's caller: callers who cannot be told apart are one. */
function keyOf(request: GateRequest): u64 {
  return request.owner ? request.owner : 1;
}
