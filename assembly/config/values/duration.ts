import { parseDecimal } from "./decimal";
import { skipDigits } from "./digits";

const POINT: i32 = 0x2e;
const MAX_DECIMALS: i32 = 2;
/** Longer durations are cut to this one, about 30 000 years in milliseconds. */
const LONGEST: f64 = 1e15;

/**
 * The milliseconds of a duration such as `"500ms"`, `"90s"`, `"30m"` or `"1.5h"`, with at most two decimals; -1 if the
 * text is not a duration.
 */
export function parseDuration(text: string): i64 {
  const whole = skipDigits(text, 0);
  let end = whole;
  let decimals = -1;
  if (end < text.length && text.charCodeAt(end) == POINT) {
    end = skipDigits(text, whole + 1);
    decimals = end - whole - 1;
  }
  const unit = millisecondsOf(text.slice(end));
  if (whole == 0 || decimals == 0 || decimals > MAX_DECIMALS || unit < 0) return -1;
  // Without the point, because decimals are not exact.
  const digits = parseDecimal(text.slice(0, whole) + text.slice(whole + 1, end));
  const milliseconds = (digits * <f64>unit) / (decimals < 0 ? 1 : decimals == 1 ? 10 : 100);
  return <i64>Math.min(milliseconds, LONGEST);
}

function millisecondsOf(unit: string): i64 {
  if (unit == "ms") return 1;
  if (unit == "s") return 1000;
  if (unit == "m") return 60_000;
  return unit == "h" ? 3_600_000 : -1;
}
