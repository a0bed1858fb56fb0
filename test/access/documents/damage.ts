/** Documents in other encodings, and documents with changed, missing or added bytes. */
import type { Random } from "../../../scripts/fuzz/random.ts";

const BYTES = [0x00, 0x09, 0x0a, 0x20, 0x22, 0x27, 0x2c, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x80, 0xc0, 0xef, 0xff];
/** Bytes of a code unit of UTF-32 and UTF-16. */
const WIDTHS = [4, 2] as const;

/** @param text the document as text, used to encode it differently */
export function damagedBytes(random: Random, bytes: Buffer, text: string): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  switch (random.below(5)) {
    case 0:
      return encoded(text, random.pick(WIDTHS), random.oneIn(2), random.oneIn(2));
    case 1:
      return Buffer.from(text, "latin1");
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from([random.pick(BYTES)]),
        bytes.subarray(at + random.below(2)),
      ]);
  }
}

function encoded(text: string, width: 2 | 4, isBigEndian: boolean, hasMark: boolean): Buffer {
  const units = Array.from(hasMark ? `\ufeff${text}` : text, (character) =>
    width === 4 ? [character.codePointAt(0)!] : character.split("").map((unit) => unit.charCodeAt(0)),
  ).flat();
  const bytes = Buffer.alloc(units.length * width);
  units.forEach((unit, index) => {
    if (isBigEndian) bytes.writeUIntBE(unit, index * width, width);
    else bytes.writeUIntLE(unit, index * width, width);
  });
  return bytes;
}
