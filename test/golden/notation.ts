/** How bytes are written in Markdown: see README.md. */

/** The bytes of an input block, and the offsets where it is cut. */
export interface Input {
  readonly bytes: Buffer;
  readonly cuts: number[];
}

const FIRST_PICTURE = 0x2400;
const LAST_PICTURE = 0x241f;
/** Brackets with their content, or one other character. */
const UNITS = /⟨([^⟩]*)⟩|[^]/gu;
const HEX = /^[0-9A-F]{2}( [0-9A-F]{2})*$/;
const REPEATED = /^(\d+) × ([^]+)$/u;
/** A short text that comes 16 times or more, or bytes in hexadecimal. */
const LONG_RUN = /⟨[^⟩]*⟩|(.{1,6}?)\1{15,}/gu;
/** Characters that are not visible as themselves, and those of the notation. */
const UNSEEN = /[^\P{C}\n]|(?! )\p{Z}|[⟨⟩\u2400-\u241f\ufffd]/u;

/** Reads the text of an input block. */
export function readInput(text: string): Input {
  const parts: Buffer[] = [];
  const cuts: number[] = [];
  let size = 0;
  for (const [unit, inside] of text.matchAll(UNITS)) {
    if (inside === "cut") {
      cuts.push(size);
      continue;
    }
    const part = inside === undefined ? bytesOfCharacter(unit) : bytesInBrackets(inside);
    parts.push(part);
    size += part.length;
  }
  return { bytes: Buffer.concat(parts), cuts };
}

function bytesOfCharacter(character: string): Buffer {
  const code = character.codePointAt(0)!;
  if (character === "\n") return Buffer.alloc(0);
  if (code >= FIRST_PICTURE && code <= LAST_PICTURE) return Buffer.of(code - FIRST_PICTURE);
  return Buffer.from(character);
}

function bytesInBrackets(inside: string): Buffer {
  if (HEX.test(inside)) return Buffer.from(inside.replaceAll(" ", ""), "hex");
  const repeated = REPEATED.exec(inside);
  if (repeated === null) throw new Error(`⟨${inside}⟩ is neither hexadecimal bytes, a repetition nor a cut`);
  return Buffer.concat([...repeated[2].repeat(Number(repeated[1]))].map(bytesOfCharacter));
}

/** Writes bytes so that {@link readInput} reads them. */
export function show(bytes: Uint8Array): string {
  const shown = [...characters(bytes)].map(showCharacter).join("");
  return shown.replaceAll("⟩⟨", " ").replace(LONG_RUN, (run, unit: string | undefined) => {
    return unit === undefined ? run : `⟨${run.length / unit.length} × ${unit}⟩`;
  });
}

/** The characters of UTF-8 text; of invalid UTF-8 each byte by itself. */
function* characters(bytes: Uint8Array): Generator<Uint8Array> {
  let at = 0;
  while (at < bytes.length) {
    const character = bytes.subarray(at, at + sizeOfCharacter(bytes[at]));
    const unit = isCharacter(character) ? character : bytes.subarray(at, at + 1);
    yield unit;
    at += unit.length;
  }
}

/** The bytes of the character that begins with this one. */
function sizeOfCharacter(first: number): number {
  if (first < 0xc0) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function isCharacter(bytes: Uint8Array): boolean {
  try {
    return [...new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)].length === 1;
  } catch {
    return false;
  }
}

function showCharacter(bytes: Uint8Array): string {
  if (bytes.length === 1 && bytes[0] < 0x20) return String.fromCharCode(FIRST_PICTURE + bytes[0]);
  const text = Buffer.from(bytes).toString();
  if (!UNSEEN.test(text) && isCharacter(bytes)) return text;
  const hex = Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
  return `⟨${hex.join(" ")}⟩`;
}
