import { SharedData } from "../../../../assembly/host/shared_data";

/** The version (upper half) and the length (lower half) of the value; 0 if there is none. */
// @ts-ignore: decorator
@external("shared", "read")
declare function readShared(key: usize, keyLength: i32, to: usize, capacity: i32): u64;

// @ts-ignore: decorator
@external("shared", "write")
declare function writeShared(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool;

/** The version that creates a missing key. 0 would overwrite a value that another worker has created in the meantime. */
const CREATE: u32 = 0xffffffff;

/** The shared data of the test, for all instances of its modules. */
export class TestSharedData extends SharedData {
  read(key: usize, keyLength: i32, to: usize, capacity: i32): i32 {
    const found = readShared(key, keyLength, to, capacity);
    this.version = found ? <u32>(found >> 32) : CREATE;
    return found ? <i32>found : -1;
  }

  write(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool {
    return writeShared(key, keyLength, value, length, version);
  }
}
