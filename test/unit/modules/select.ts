import { nthSmallest } from "../../../assembly/memory/select";

let values: StaticArray<u64> = new StaticArray<u64>(0);

export function create(length: i32): void {
  values = new StaticArray<u64>(length);
}

export function put(index: i32, value: u64): void {
  values[index] = value;
}

export function nth(n: i32): u64 {
  return nthSmallest(values, n);
}
