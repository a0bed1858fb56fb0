import { equalsText } from "../../memory/bytes";

/** Maximum delay in seconds that a collector can ask for. */
const LIMIT_SECONDS: u64 = 300;
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
/** Length of a date such as "Sun, 06 Nov 1994 08:49:37 GMT". */
const DATE_SIZE: i32 = 29;

/**
 * The delay in milliseconds, at most 5 minutes, that a `retry-after` of `length` bytes asks for. It is a number of
 * seconds or a date (RFC 9110, section 10.2.3; only the date format that senders must use). 0 if it is neither, or the
 * date is past.
 * @param nowMs milliseconds since 1970
 */
export function retryAfterMs(at: usize, length: i32, nowMs: u64): u64 {
  const seconds = isNumber(at, length) ? number(at, length) : untilDate(at, length, nowMs / 1000);
  return min(seconds, LIMIT_SECONDS) * 1000;
}

/** The seconds from `now` until a date; 0 if it is past or not a date. */
function untilDate(at: usize, length: i32, now: u64): u64 {
  if (length != DATE_SIZE || !equalsText(at + DATE_SIZE - 4, 4, " GMT")) return 0;
  const isDate =
    isNumber(at + 5, 2) && isNumber(at + 12, 4) && isNumber(at + 17, 2) && isNumber(at + 20, 2) && isNumber(at + 23, 2);
  if (!isDate) return 0;
  let month = 1;
  while (month <= 12 && !equalsText(at + 8, 3, MONTHS.substr((month - 1) * 3, 3))) month++;
  if (month > 12) return 0;
  const days = daysSince1970(<i32>number(at + 12, 4), month, <i32>number(at + 5, 2));
  const then = days * 86400 + number(at + 17, 2) * 3600 + number(at + 20, 2) * 60 + number(at + 23, 2);
  return then > now ? then - now : 0;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar; 0 for earlier dates. */
function daysSince1970(year: i32, month: i32, day: i32): u64 {
  // Years begin in March here, so that the leap day is the last.
  const shifted = month > 2 ? year : year - 1;
  const dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
  const days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719468;
  return max(0, days);
}

/** Whether all bytes are digits, and there is at least one. */
function isNumber(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (<u8>(load<u8>(at + i) - 0x30) > 9) return false;
  }
  return length > 0;
}

/** The value of the digits; at most about 10^9. */
function number(at: usize, length: i32): u64 {
  let value: u64 = 0;
  for (let i = 0; i < length && value < 100_000_000; i++) value = value * 10 + (load<u8>(at + i) - 0x30);
  return value;
}
