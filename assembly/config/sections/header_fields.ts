import { lowerCase } from "../values/lower_case";

const SPACE: i32 = 0x20;
const TILDE: i32 = 0x7e;
const MAX_NAME: i32 = 128;
/** The characters of a header name other than letters and digits (RFC 9110, section 5.6.2). */
const NAME_SIGNS = "!#$%&'*+-.^_`|~";

/** Headers of an export request that the filter or the proxy writes. */
const OWN_HEADERS: string[] = [
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/**
 * Whether a header of a request to a collector can have this name: a token, not a pseudo-header, and not a header that
 * the filter or the proxy writes.
 */
export function isHeaderName(name: string): bool {
  if (name.length == 0 || name.length > MAX_NAME) return false;
  for (let i = 0; i < name.length; i++) {
    const codeUnit = name.charCodeAt(i);
    const letter = codeUnit | 0x20;
    const isAlphanumeric = (letter >= 0x61 && letter <= 0x7a) || (codeUnit >= 0x30 && codeUnit <= 0x39);
    if (!isAlphanumeric && !NAME_SIGNS.includes(name.charAt(i))) return false;
  }
  return !OWN_HEADERS.includes(lowerCase(name));
}

/** Whether a header can have this value: visible ASCII characters, with spaces only between them. */
export function isHeaderValue(value: string): bool {
  const last = value.length - 1;
  return isPrintable(value) && value.charCodeAt(0) != SPACE && value.charCodeAt(last) != SPACE;
}

/** Whether a text consists of visible ASCII characters and spaces, at least one. */
export function isPrintable(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const codeUnit = text.charCodeAt(i);
    if (codeUnit < SPACE || codeUnit > TILDE) return false;
  }
  return text.length > 0;
}

/** Whether a text consists of visible ASCII characters, at least one. */
export function isVisible(text: string): bool {
  return isPrintable(text) && !text.includes(" ");
}
