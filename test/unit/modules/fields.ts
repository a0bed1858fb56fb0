import { ANY, EACH, FieldReader, FieldTree, Found } from "../../../assembly/json/fields";
import { Fault, Token } from "../../../assembly/json/token";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "field")
declare function trace(field: i32, value: Token, at: usize, length: i32, total: u32): void;

// @ts-ignore: decorator
@external("trace", "part")
declare function tracePart(field: i32, isLast: bool, at: usize, length: i32): void;

// @ts-ignore: decorator
@external("trace", "documentEnd")
declare function traceDocumentEnd(): void;

const tree = new FieldTree();
tree.add(1, []);
tree.add(2, ["a"]);
tree.add(3, ["a", "b"]);
tree.add(4, ["a", "b", "c"]);
tree.add(5, ["x", "y"]);
tree.add(6, ["list", EACH]);
tree.add(7, ["list", EACH, "name"]);
tree.add(8, ["grid", EACH, EACH]);
tree.capture(9, ["raw"]);
tree.capture(10, ["list", EACH, "raw"]);
tree.add(11, ["any", ANY, "name"]);
tree.capture(12, ["any", ANY, "raw"]);
tree.add(13, ["any", "known"]);
tree.add(14, ["only", ANY]);
tree.add(63, ["x", '"/']);

const fields = FieldReader.create(tree);

export function begin(): void {
  fields.reset(tree);
}

export function feed(at: usize, length: usize): void {
  const tokens = fields.tokens;
  tokens.feed(at, length);
  for (let found = fields.next(); found != Found.Nothing; found = fields.next()) {
    if (found == Found.Field) {
      trace(fields.field, fields.value, tokens.textAt, tokens.textLength, tokens.textTotal);
    } else if (found == Found.DocumentEnd) {
      traceDocumentEnd();
    } else {
      tracePart(fields.field, found == Found.LastPart, tokens.textAt, tokens.textLength);
    }
  }
}

export function fault(): Fault {
  return fields.tokens.fault;
}

export function complete(): bool {
  return fields.tokens.complete;
}

export function has(field: i32): bool {
  return fields.has(field);
}
