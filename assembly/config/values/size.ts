import { parseDecimal } from "./decimal";
import { skipDigits } from "./digits";

/** Larger sizes are cut to this one. */
const LARGEST: f64 = 1e15;

/** The bytes of a size such as `"64KiB"`, `"1MiB"`, `"2GiB"` or `"512B"`; -1 if the text is not a size. */
export function parseSize(text: string): i64 {
  const digits = skipDigits(text, 0);
  const unit = bytesOf(text.slice(digits));
  if (digits == 0 || unit < 0) return -1;
  return <i64>Math.min(parseDecimal(text.slice(0, digits)) * <f64>unit, LARGEST);
}

function bytesOf(unit: string): i64 {
  if (unit == "B") return 1;
  if (unit == "KiB") return 1024;
  if (unit == "MiB") return 1_048_576;
  return unit == "GiB" ? 1_073_741_824 : -1;
}
