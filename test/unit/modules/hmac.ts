import { Hmac } from "../../../assembly/memory/hmac";

export { allocate } from "./common/allocate";

let hmac = new Hmac("");

/** Sets the key of the following calls, in UTF-8. */
export function setKey(at: usize, length: i32): void {
  hmac = new Hmac(String.UTF8.decodeUnsafe(at, length));
}

/** Writes the authentication code of a message to `to`. */
export function write(at: usize, length: i32, to: usize): void {
  hmac.write(at, length, to);
}
