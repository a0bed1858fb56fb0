import { LimitKind } from "./limit_rule";
import { Rejection } from "./rejection";

/** Why messages of a batch are limited, in their order. */
export class LimitedMessages {
  length: i32 = 0;
  /** The objects are reused for later batches. */
  private rejections: Rejection[] = [];
  private next: i32 = 0;

  clear(): void {
    this.length = 0;
    this.next = 0;
  }

  /** Adds the limited request of this index in the batch. Waits for the same rule add up, because each message needs
   *  its own capacity. */
  add(message: i32, rejection: Rejection): void {
    if (this.length == this.rejections.length) this.rejections.push(new Rejection());
    const own = this.rejections[this.length];
    own.copy(rejection);
    own.message = message;
    let sameRule = 0;
    for (let i = 0; i < this.length; i++) {
      if (this.rejections[i].index == own.index) sameRule++;
    }
    if (own.kind == LimitKind.Requests) own.addMessages(sameRule);
    this.length++;
  }

  /** Why the request of this index is limited; null if it is not. Must be called in the order of requests. */
  find(message: i32): Rejection | null {
    if (this.next == this.length || this.rejections[this.next].message != message) return null;
    return this.rejections[this.next++];
  }

  /** The first rejection. There must be one. */
  get first(): Rejection {
    return this.rejections[0];
  }
}
