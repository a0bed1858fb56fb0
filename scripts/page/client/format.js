/** Formats numbers and times for people. */

const NUMBER = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const PRECISE = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const NOTHING = "–";

/**
 * A number with three digits; a dash for null.
 * @param {number | null | undefined} value
 */
export function formatNumber(value) {
  // The tables' texts have a small k, too.
  return value === null || value === undefined ? NOTHING : NUMBER.format(value).replace("K", "k");
}

/**
 * A duration in milliseconds; a dash for undefined.
 * @param {number | null | undefined} ms
 */
export function formatDuration(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  return ms < 1000 ? `${formatNumber(ms)} ms` : `${formatNumber(ms / 1000)} s`;
}

/**
 * The time of day, in seconds.
 * @param {number} time milliseconds since 1970
 */
export function formatClock(time) {
  return CLOCK.format(time);
}

/**
 * The time of day, in milliseconds.
 * @param {number} time milliseconds since 1970
 */
export function formatPrecise(time) {
  return PRECISE.format(time);
}
