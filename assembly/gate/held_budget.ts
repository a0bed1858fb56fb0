import { HoldConfig } from "../config/rules/hold_config";
import { Table } from "../memory/table";
import { GateRequest } from "./stage/request";

/**
 * The held amount of a caller is packed into a u64: the number of bytes in the lowest {@link BYTES_BITS} bits, the
 * number of requests above them.
 */
const BYTES_BITS: u64 = 40;
const BYTES_MASK: u64 = (1 << BYTES_BITS) - 1;

/**
 * Counts the requests that a plugin instance holds on this worker. Their number and bytes are bounded in total and for
 * each caller, so that no caller can block others, and the proxy's memory does not grow with what clients send.
 */
export class HeldBudget {
  private streams: u32 = 0;
  private bytes: u64 = 0;
  private byOwner: Table = new Table(64);

  /** @param hold the bounds of the active configuration */
  constructor(public hold: HoldConfig) {}

  /** Counts a request to be held. Returns false, and does not count it, if that exceeds a bound. */
  add(request: GateRequest): bool {
    const most = <u32>this.hold.maxStreams;
    const owner = keyOf(request);
    const owned = this.byOwner.get(owner);
    const ofOwner = <u32>(owned >> BYTES_BITS);
    if (this.streams >= most || ofOwner >= this.partOf(most)) return false;
    request.isBudgeted = true;
    request.budgetedBytes = 0;
    request.budgetedOwner = owner;
    this.streams++;
    this.byOwner.set(owner, owned + (1 << BYTES_BITS));
    return true;
  }

  /** Counts the body of a held request, which has grown to `size` bytes. Returns false, and does not count the new
   *  bytes, if that exceeds a bound. */
  grow(request: GateRequest, size: usize): bool {
    if (!request.isBudgeted && !this.add(request)) return false;
    if (size <= request.budgetedBytes) return true;
    const more = size - request.budgetedBytes;
    const owned = this.byOwner.get(request.budgetedOwner);
    const most = this.hold.maxBytes;
    if (this.bytes + more > most || (owned & BYTES_MASK) + more > this.partOf(most)) return false;
    this.bytes += more;
    request.budgetedBytes = size;
    this.byOwner.set(request.budgetedOwner, owned + more);
    return true;
  }

  /** Removes a request that is no longer held. Does nothing if it is not counted. */
  remove(request: GateRequest): void {
    if (!request.isBudgeted) return;
    request.isBudgeted = false;
    this.streams--;
    this.bytes -= request.budgetedBytes;
    const left = this.byOwner.get(request.budgetedOwner) - (1 << BYTES_BITS) - request.budgetedBytes;
    if (left) this.byOwner.set(request.budgetedOwner, left);
    else this.byOwner.delete(request.budgetedOwner);
  }

  /** The part of `most` that one caller may use. */
  private partOf(most: u32): u32 {
    return max<u32>(most / this.hold.callerPart, 1);
  }
}

/** The key of the request's caller. All unknown callers share the key 1. */
function keyOf(request: GateRequest): u64 {
  return request.owner ? request.owner : 1;
}
