import { AccessCheck } from "../access/check";
import { Exchange } from "../mcp/exchange/exchange";
import { guardOf } from "./guard";
import { HeldStreams } from "./held_streams";
import { Unit } from "./unit";

/**
 * The checks of one request: by the policy of a newer configuration, where one leads, and by the instance's own. The
 * request waits while one of them waits, passes if all allow it, and gets the answer of the first that denies it.
 */

/** The first check of a request, or null where no policy governs it. */
export function firstCheck(exchange: Exchange): AccessCheck | null {
  return exchange.check ? changetype<AccessCheck>(exchange.check) : null;
}

function next(check: AccessCheck): AccessCheck | null {
  return check.other ? changetype<AccessCheck>(check.other) : null;
}

/** Whether a policy has answered the request in place of the server. */
export function isAnswered(first: AccessCheck | null): bool {
  let check = first;
  while (check) {
    if (check.isAnswered) return true;
    check = next(check);
  }
  return false;
}

/** Whether the request waits for a decision. */
export function isHeld(first: AccessCheck | null): bool {
  let check = first;
  while (check) {
    if (check.isHeld) return true;
    check = next(check);
  }
  return false;
}

/** Whether a policy reads the messages of the request while they pass. */
export function isRead(first: AccessCheck | null): bool {
  let check = first;
  while (check) {
    if (check.reader) return true;
    check = next(check);
  }
  return false;
}

/** The body of a request that waits has come to `size` bytes. */
export function grow(first: AccessCheck, exchange: Exchange, size: usize, unit: Unit): void {
  let check: AccessCheck | null = first;
  while (check) {
    if (check.isHeld) guardOf(check).grow(check, exchange, size, unit);
    if (check.isAnswered) return;
    check = next(check);
  }
}

/** Bytes of a request that pass. */
export function watch(first: AccessCheck | null, exchange: Exchange, at: usize, length: usize, unit: Unit): void {
  let check = first;
  while (check) {
    if (check.reader) guardOf(check).watch(check, exchange, at, length, unit);
    check = next(check);
  }
}

/** A request that waited is whole: decides it. Returns the bytes of its body. */
export function conclude(first: AccessCheck, exchange: Exchange, unit: Unit): usize {
  let size: usize = 0;
  let check: AccessCheck | null = first;
  while (check) {
    if (check.isHeld) {
      size = check.size;
      guardOf(check).conclude(check, exchange, unit);
      if (check.isAnswered) break;
    }
    check = next(check);
  }
  return size;
}

/** A request has passed. */
export function endWatch(first: AccessCheck | null, exchange: Exchange, unit: Unit): void {
  let check = first;
  while (check) {
    if (check.reader) guardOf(check).endWatch(check, exchange, unit);
    check = next(check);
  }
}

/** The request is over. */
export function closeChecks(exchange: Exchange, held: HeldStreams): void {
  let check = firstCheck(exchange);
  while (check) {
    const other = next(check);
    held.remove(check);
    guardOf(check).close(check);
    check = other;
  }
}
