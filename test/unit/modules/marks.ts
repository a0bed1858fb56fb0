import { Marks } from "../../../assembly/store/marks";
import { openStore } from "./common/store";

let marks: Marks = new Marks(openStore(1, 0));

export function create(space: i32): void {
  marks = new Marks(openStore(1, space));
}

export function add(session: u64, id: u64): void {
  marks.add(session, id);
}

export function has(session: u64, id: u64): bool {
  return marks.has(session, id);
}
