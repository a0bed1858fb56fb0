import { SharedData } from "../../../../assembly/host/shared_data";

/** The version and the length (in the lower half) of the value; 0 where there is none. */
// @ts-ignore: decorator
@external("shared", "read")
declare function readShared(key: usize, keyLength: i32, to: usize, capacity: i32): u64;

// @ts-ignore: decorator
@external("shared", "write")
declare function writeShared(key: usize, keyLength: i32, value: usize, length: i32, version: u32): bool;

/** Creates a key that is not there: 0 would overwrite one that somebody else has made meanwhile. */
const CREATE: u32 = 0xffffffff;

/** The shared data that the test keeps, for all instances of its modules. */
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
