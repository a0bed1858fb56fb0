import { JsonWriter } from "../../../assembly/json/writer";

/** Creates a number of writers of `size` bytes each, and drops them. */
export function drop(count: i32, size: i32): void {
  for (let i = 0; i < count; i++) {
    const writer = new JsonWriter();
    for (let length = 0; length < size; length += 16) writer.raw("0123456789abcdef");
    assert(writer.length >= size && load<u8>(writer.at + writer.length - 1) == 0x66);
  }
}
