import { hexValue } from "../json/characters";
import { JsonType, JsonValue, parseJson } from "./values/json_value";
import { lowerCase } from "./values/lower_case";
import { edits, isNearMiss } from "./values/near_miss";

const ACCESS = "access";

/** Fields, in lower case, that only `access` has. */
const OWN_FIELDS: string[] = ["defaultaction", "holdheaders"];
/** A field that each rule of `access` must have, and no other rule has. */
const ACTION = "action";

/** Sections that share fields and values with `access`, as bits. */
enum Section {
  Identity = 1,
  Hold = 2,
  Limits = 4,
}

const IDENTITY_FIELDS: string[] = ["principalsources", "jwtpayloadkey"];
const HOLD_FIELDS: string[] = ["maxbodybytes"];
const LIMITS_FIELDS: string[] = [
  "rules",
  "denial",
  "principals",
  "notprincipals",
  "trustdomains",
  "nottrustdomains",
  "ipblocks",
  "notipblocks",
  "notmethods",
  "nottools",
  "notprompts",
  "notresources",
  "notservers",
];

/** Values, in lower case, that only a policy has, and values that limits have too. */
const OWN_VALUES: string[] = ["allow", "deny"];
const LIMITS_VALUES: string[] = ["enforce", "shadow", "spiffe"];

/** Replaces any letter beyond ASCII. */
const OTHER_LETTER: u8 = 0x7f;
const COLON: u8 = 0x3a;
const SPACE: u8 = 0x20;
const BACKSLASH: u8 = 0x5c;
const UNDERSCORE: u8 = 0x5f;
const HYPHEN: u8 = 0x2d;

/** Minimum number of bytes of the word `access` at the end of truncated bytes that count as the whole word. */
const MIN_BEGINNING: i32 = 2;

/**
 * Whether a name means `access`: it is the word or a near miss of it (`acess`), contains it (`accessPolicy`), or has a
 * part that is one edit from it (`mcp_acess`, `acessPolicy`).
 */
export function namesAccess(name: string): bool {
  if (isNearMiss(name, ACCESS) || lowerCase(name).includes(ACCESS)) return true;
  let from = 0;
  for (let i = 1; i <= name.length; i++) {
    if (i < name.length && !beginsPart(name, i)) continue;
    // Two edits could make it the word `accept`.
    const count = edits(name.slice(from, i), ACCESS);
    if (count == 0 || count == 1) return true;
    from = i;
  }
  return false;
}

/**
 * Whether a field of this name, ignoring case, belongs only to `access` or to the sections that share fields with it.
 */
export function isPolicyField(name: string): bool {
  const lower = lowerCase(name);
  return OWN_FIELDS.includes(lower) || sectionOfField(lower) != 0;
}

/**
 * Whether the bytes of an invalid configuration indicate an access policy. If so, MCP must not pass unchecked because
 * of the error. This is the case if a word means `access` or is a field that only policies have. A field that limits
 * have too (`rules`) counts unless the bytes also name `limits`, and the same applies to `identity` and `hold`: an
 * error in a configuration that has only limits closes nothing. In JSON, only names of fields count, including JSON
 * within a text. If the bytes are not a JSON object, every word counts, and so do values that only a policy has, and a
 * prefix of the word `access` at the end of the bytes. In JSON, names in `trace.headers` with a hyphen, such as
 * `x-access-token`, do not count. Escapes (`\u0061`) are decoded, and zero bytes are skipped, because UTF-16 has them
 * between ASCII letters.
 */
export function indicatesAccess(at: usize, length: i32): bool {
  const document = parseJson(at, length);
  const isJson = document != null && document.type == JsonType.Object;
  const headers = isJson ? traceHeaders(document!) : [];
  const text = new StaticArray<u8>(length);
  const size = simplify(at, length, changetype<usize>(text));
  /** The sections that the bytes name, and those that they would need to name to explain the fields that were found. */
  let named: i32 = 0;
  let needed: i32 = 0;
  let end = 0;
  while (end < size) {
    if (!isWordByte(text[end])) {
      end++;
      continue;
    }
    const from = end;
    while (end < size && isWordByte(text[end])) end++;
    if (isJson && !isBeforeColon(text, end, size)) continue;
    const word = String.UTF8.decodeUnsafe(changetype<usize>(text) + from, end - from);
    const lower = lowerCase(word);
    if (headers.includes(word)) continue;
    if (namesAccess(word) || OWN_FIELDS.includes(lower) || lower == ACTION) return true;
    named |= sectionOf(word);
    needed |= sectionOfField(lower);
    if (isJson) continue;
    if (OWN_VALUES.includes(lower)) return true;
    if (LIMITS_VALUES.includes(lower)) needed |= Section.Limits;
    if (end == size && word.length >= MIN_BEGINNING && ACCESS.startsWith(lower)) return true;
  }
  return (needed & ~named) != 0;
}

/** The names in `trace.headers` with a hyphen. No field of a policy has one. */
function traceHeaders(document: JsonValue): string[] {
  const trace = document.names.indexOf("trace");
  const at = trace < 0 ? -1 : document.items[trace].names.indexOf("headers");
  return at < 0 ? [] : document.items[trace].items[at].names.filter((name) => name.includes("-"));
}

/** The section that a word names, possibly as a near miss; 0 for none. */
function sectionOf(word: string): i32 {
  if (isAlmost(word, "identity")) return Section.Identity;
  if (isAlmost(word, "hold")) return Section.Hold;
  return isAlmost(word, "limits") ? Section.Limits : 0;
}

/** Whether the word equals the other one or is one edit away. With two edits, `lists` could be `limits`. */
function isAlmost(word: string, other: string): bool {
  const count = edits(word, other);
  return count == 0 || count == 1;
}

/** The section that shares this lower-case field with `access`; 0 for none. */
function sectionOfField(name: string): i32 {
  if (IDENTITY_FIELDS.includes(name)) return Section.Identity;
  if (HOLD_FIELDS.includes(name)) return Section.Hold;
  return LIMITS_FIELDS.includes(name) ? Section.Limits : 0;
}

/** Whether a part of a name begins at `i`: at a capital after a small letter, or after a separator. */
function beginsPart(word: string, i: i32): bool {
  const before = word.charCodeAt(i - 1);
  if (before == UNDERSCORE || before == HYPHEN || before == 0x2e) return true;
  return isCapital(word.charCodeAt(i)) && !isCapital(before);
}

function isCapital(codeUnit: i32): bool {
  return codeUnit >= 0x41 && codeUnit <= 0x5a;
}

/**
 * Writes a simplified text to `to`, which has room for `length` bytes: ASCII letters, digits, `_`, `-` and colons
 * unchanged, any other letter as {@link OTHER_LETTER}, `=` as a colon, and everything else as spaces. Returns the
 * number of bytes written.
 */
function simplify(at: usize, length: i32, to: usize): i32 {
  let size = 0;
  for (let i = 0; i < length;) {
    let codeUnit = <u32>load<u8>(at + i);
    let taken = 1;
    if (codeUnit == BACKSLASH) {
      const escaped = escapedUnit(at + i, length - i);
      if (escaped >= 0) {
        codeUnit = escaped;
        taken = 6;
      }
    } else if (codeUnit == 0 || (codeUnit & 0xc0) == 0x80) {
      // The other half of a UTF-16 code unit, or a continuation byte of UTF-8.
      i++;
      continue;
    }
    store<u8>(to + size++, simplified(codeUnit));
    i += taken;
  }
  return size;
}

/** The UTF-16 code unit of an escape sequence `\uXXXX` at `at`; -1 if there is none. */
function escapedUnit(at: usize, length: i32): i32 {
  if (length < 6 || load<u8>(at + 1) != 0x75) return -1;
  let codeUnit = 0;
  for (let i = 2; i < 6; i++) {
    const digit = hexValue(load<u8>(at + i));
    if (digit > 15) return -1;
    codeUnit = (codeUnit << 4) | digit;
  }
  return codeUnit;
}

function simplified(codeUnit: u32): u8 {
  if (codeUnit >= 0x80) return OTHER_LETTER;
  if (codeUnit == 0x3d) return COLON;
  return isWordByte(<u8>codeUnit) || codeUnit == COLON ? <u8>codeUnit : SPACE;
}

function isWordByte(byte: u8): bool {
  const letter = byte | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  return byte == OTHER_LETTER || byte == UNDERSCORE || byte == HYPHEN;
}

/** Whether a colon follows, with only quotes and white space before it. */
function isBeforeColon(text: StaticArray<u8>, at: i32, size: i32): bool {
  while (at < size && text[at] == SPACE) at++;
  return at < size && text[at] == COLON;
}
