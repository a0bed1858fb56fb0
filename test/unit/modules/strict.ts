import { requestFaultName } from "../../../assembly/rules/message/request_fault";
import { DecidingKeys } from "../../../assembly/rules/message/deciding_keys";
import { Reading, StrictReader } from "../../../assembly/rules/message/strict_reader";

export { allocate } from "./common/allocate";

/** Reports the end of a message and its form. */
// @ts-ignore: decorator
@external("trace", "message")
declare function traceMessage(form: i32): void;

/** Reports a deciding member: its slot, its token, its stored text and the length of the whole text. */
// @ts-ignore: decorator
@external("trace", "member")
declare function traceMember(slot: i32, token: i32, at: usize, length: i32, total: i32): void;

const keys: DecidingKeys = new DecidingKeys();
keys.argument(["path"]);
keys.argument(["to", "Sink"]);
keys.argument(["to", "kind"]);
keys.argument(["more"]);
keys.argument(["most"]);
let reader: StrictReader = StrictReader.acquire(keys.message);

export function begin(): void {
  reader.release();
  reader = StrictReader.acquire(keys.message);
}

export function feed(at: usize, length: i32): void {
  reader.feed(at, length);
  while (reader.next() == Reading.Message) {
    traceMessage(reader.form);
    for (let slot = 0; slot < keys.end; slot++) {
      if (!reader.has(slot)) continue;
      traceMember(slot, reader.token(slot), reader.textAt(slot), reader.textLength(slot), reader.textTotal(slot));
    }
  }
}

/** Reports the end of the body with the reason for fault; empty if it is accepted. */
export function finish(): string {
  reader.finish();
  return requestFaultName(reader.fault);
}

export function isBatch(): bool {
  return reader.isBatch;
}
