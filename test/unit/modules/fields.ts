import { EACH, FieldReader, FieldTree } from "../../../assembly/json/fields";
import { Fault, Token } from "../../../assembly/json/token";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "field")
declare function trace(field: i32, value: Token, at: usize, length: i32, total: u32): void;

const tree = new FieldTree();
tree.add(1, []);
tree.add(2, ["a"]);
tree.add(3, ["a", "b"]);
tree.add(4, ["a", "b", "c"]);
tree.add(5, ["x", "y"]);
tree.add(6, ["list", EACH]);
tree.add(7, ["list", EACH, "name"]);
tree.add(8, ["grid", EACH, EACH]);
tree.add(63, ["x", '"/']);

const fields = FieldReader.create(tree);

export function begin(): void {
  fields.reset();
}

export function feed(at: usize, length: usize): void {
  const tokens = fields.tokens;
  tokens.feed(at, length);
  while (fields.next()) trace(fields.field, fields.value, tokens.textAt, tokens.textLength, tokens.textTotal);
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
