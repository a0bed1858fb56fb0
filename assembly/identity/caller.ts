import { parseAddress } from "../config/values/cidr";

/** The maximum length of a principal in bytes; longer ones are cut. */
export const PRINCIPAL_LIMIT: i32 = 512;
const NAME: usize = heap.alloc(PRINCIPAL_LIMIT);
const ADDRESS: usize = heap.alloc(16);

/** The caller of a request. All instances share their memory, so only one caller can be examined at a time. */
export class Caller {
  /** The principal: `length` bytes; 0 bytes if the request is anonymous. */
  readonly at: usize = NAME;
  length: i32 = 0;
  /** Whether the principal was cut. */
  isCut: bool = false;
  /** The IP address: 4 or 16 bytes; 0 bytes if it is unknown. */
  readonly address: usize = ADDRESS;
  addressSize: i32 = 0;
  /** The IP address as text, without a port; 0 bytes if it is unknown. Valid until the callback ends. */
  addressText: usize = 0;
  addressTextLength: i32 = 0;

  get isAnonymous(): bool {
    return this.length == 0;
  }

  clear(): void {
    this.length = 0;
    this.isCut = false;
    this.addressSize = 0;
    this.addressTextLength = 0;
  }

  /** Appends bytes to the principal. */
  append(at: usize, length: i32): void {
    const kept = min(length, PRINCIPAL_LIMIT - this.length);
    memory.copy(this.at + this.length, at, kept);
    this.length += kept;
    if (kept < length) this.isCut = true;
  }

  /** Appends ASCII text to the principal. */
  appendText(text: string): void {
    for (let i = 0; i < text.length; i++) {
      if (this.length == PRINCIPAL_LIMIT) this.isCut = true;
      else store<u8>(this.at + this.length++, <u8>text.charCodeAt(i));
    }
  }

  /** Sets the address from the host's text for the peer: an IP address followed by a port. The path of a Unix socket is
   *  ignored. */
  setAddress(at: usize, length: i32): void {
    let end = length;
    while (end > 0 && load<u8>(at + end - 1) != 0x3a) end--;
    if (end == 0) return;
    end--;
    const isBracketed = end > 2 && load<u8>(at) == 0x5b;
    const text = isBracketed ? at + 1 : at;
    const size = isBracketed ? end - 2 : end;
    this.addressSize = parseAddress(text, size, this.address);
    this.addressText = text;
    this.addressTextLength = this.addressSize ? size : 0;
  }
}
