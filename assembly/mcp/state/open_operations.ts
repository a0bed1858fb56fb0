import { IdKind } from "../../jsonrpc/id";
import { Method } from "../protocol/methods";
import { Operation } from "./operation";

/** The open operations of a stream, newest first. Part of a {@link Stream}. */
@unmanaged
export class OpenOperations {
  /** The address of the newest operation; 0 if none is open. */
  private head: usize;
  count: u32;

  /** The newest operation; null if none is open. */
  get first(): Operation | null {
    return this.head ? changetype<Operation>(this.head) : null;
  }

  /** The open operation if there is exactly one; otherwise null. */
  get only(): Operation | null {
    return this.count == 1 ? this.first : null;
  }

  add(operation: Operation): void {
    operation.next = this.head;
    this.head = changetype<usize>(operation);
    this.count++;
  }

  /** Removes an operation, which must be open. */
  remove(operation: Operation): void {
    this.count--;
    const at = changetype<usize>(operation);
    if (this.head == at) {
      this.head = operation.next;
      return;
    }
    let before = changetype<Operation>(this.head);
    while (before.next != at) before = changetype<Operation>(before.next);
    before.next = operation.next;
  }

  /** The operation with this JSON-RPC id; null if there is none. */
  find(kind: IdKind, idHash: u64): Operation | null {
    for (let at = this.head; at; at = changetype<Operation>(at).next) {
      const operation = changetype<Operation>(at);
      if (operation.idKind == kind && operation.idHash == idHash) return operation;
    }
    return null;
  }

  /** Whether an operation with this method is open. */
  includes(method: Method): bool {
    for (let at = this.head; at; at = changetype<Operation>(at).next) {
      if (changetype<Operation>(at).method == method) return true;
    }
    return false;
  }
}

export const OPEN_OPERATIONS_SIZE: usize = (offsetof<OpenOperations>() + 7) & ~7;
