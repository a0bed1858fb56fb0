import { FieldReader, FieldTree, Found } from "../../../assembly/json/fields";
import { Fault, Token } from "../../../assembly/json/token";

export { allocate } from "./common/allocate";

/** How a field is reported: see the methods of FieldTree. */
enum Report {
  Value,
  Container,
  Captured,
}

// @ts-ignore: decorator
@external("trace", "found")
declare function trace(
  found: Found,
  field: i32,
  value: Token,
  at: usize,
  length: i32,
  total: u32,
  start: f64,
  end: f64,
): void;

let tree = new FieldTree();
const fields = FieldReader.create(tree);

/** Removes all fields. */
export function clear(): void {
  tree = new FieldTree();
}

/** Adds a field at a path with elements joined by dots. The path of the root is empty. */
export function add(field: i32, report: Report, path: string): void {
  const names: string[] = path.length ? path.split(".") : [];
  if (report == Report.Captured) tree.capture(field, names);
  else if (report == Report.Container) tree.addContainer(field, names);
  else tree.add(field, names);
}

export function begin(): void {
  fields.reset(tree);
}

export function feed(at: usize, length: usize): void {
  const tokens = fields.tokens;
  tokens.feed(at, length);
  for (let found = fields.next(); found != Found.Nothing; found = fields.next()) {
    const ends = found == Found.DocumentEnd;
    trace(
      found,
      fields.field,
      fields.value,
      tokens.textAt,
      tokens.textLength,
      tokens.textTotal,
      <f64>(ends ? tokens.documentStart : tokens.tokenStart),
      <f64>(ends ? tokens.documentEnd : tokens.tokenEnd),
    );
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
