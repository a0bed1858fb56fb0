/** The milliseconds of a duration like `"500ms"`, `"90s"`, `"30m"` or `"1.5h"`; -1 where the text is none. */
export function parseDuration(text: string): i64 {
  let end = 0;
  while (end < text.length && isDigitOrPoint(text.charCodeAt(end))) end++;
  const unit = millisecondsOf(text.slice(end));
  const number = parseFloat(text.slice(0, end));
  if (end == 0 || unit < 0 || isNaN(number)) return -1;
  const milliseconds = number * <f64>unit;
  return milliseconds < 1e15 ? <i64>milliseconds : -1;
}

function isDigitOrPoint(unit: i32): bool {
  return (unit >= 0x30 && unit <= 0x39) || unit == 0x2e;
}

function millisecondsOf(unit: string): i64 {
  if (unit == "ms") return 1;
  if (unit == "s") return 1000;
  if (unit == "m") return 60_000;
  return unit == "h" ? 3_600_000 : -1;
}
