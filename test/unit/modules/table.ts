import { Table } from "../../../assembly/memory/table";

export { allocate } from "./common/allocate";

let table: Table = new Table();

export function create(capacity: usize): void {
  table = new Table(capacity);
}

export function size(): i32 {
  return table.size;
}

export function get(key: u64): u64 {
  return table.get(key);
}

export function set(key: u64, value: u64): void {
  table.set(key, value);
}

export function remove(key: u64): void {
  table.delete(key);
}

export function clear(): void {
  table.clear();
}
