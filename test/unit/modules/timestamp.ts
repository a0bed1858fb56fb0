import { writeTimestamp } from "../../../assembly/json/timestamp";
import { JsonWriter } from "../../../assembly/json/writer";

export { allocate } from "./common/allocate";

const writer: JsonWriter = new JsonWriter();

export function timestamp(nanoseconds: u64): string {
  writer.clear();
  writeTimestamp(writer, nanoseconds);
  return String.UTF8.decodeUnsafe(writer.at, writer.length);
}

export function number(value: u64, width: i32): string {
  writer.clear();
  writer.number(value, width);
  return String.UTF8.decodeUnsafe(writer.at, writer.length);
}
