import { CanonicalJson } from "../../../assembly/json/canonical/canonical_json";
import { numberFormAt, writeNumberForm } from "../../../assembly/json/canonical/number_form";

export { allocate } from "./common/allocate";

const json = new CanonicalJson(["a", "b", "c", "name"]);

export function read(at: usize, length: i32): bool {
  return json.read(at, length);
}

export function next(): bool {
  return json.next();
}

export function isSound(): bool {
  return json.isSound;
}

export function pieceAt(): usize {
  return json.at;
}

export function pieceLength(): i32 {
  return <i32>json.length;
}

/** Writes the canonical form of a number. Returns its length; 0 if it has none. */
export function numberForm(at: usize, length: i32): i32 {
  return writeNumberForm(at, length);
}

export function formAt(): usize {
  return numberFormAt;
}

/** Reads `count` numbers, each preceded by its length in a byte, and writes their canonical forms to `to` in the same way.
 *  Returns the end address. */
export function numberForms(at: usize, count: i32, to: usize): usize {
  for (let i = 0; i < count; i++) {
    const length = writeNumberForm(at + 1, load<u8>(at));
    at += 1 + <usize>load<u8>(at);
    store<u8>(to, <u8>length);
    memory.copy(to + 1, numberFormAt, length);
    to += 1 + <usize>length;
  }
  return to;
}

export function memoryPages(): i32 {
  return memory.size();
}
