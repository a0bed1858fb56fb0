import { NANOSECONDS_PER_MILLISECOND } from "../memory/elapsed";
import { JsonWriter } from "./writer";

const MILLISECONDS_PER_DAY: u64 = 86_400_000;
/** Days in 400 years, the period of the Gregorian calendar. */
const DAYS_PER_ERA: u32 = 146_097;
/** Days from 1 March of the year 0 to the Unix epoch. */
const DAYS_TO_EPOCH: u32 = 719_468;

/** Writes a point in time, in nanoseconds since the Unix epoch, as a JSON string: RFC 3339 in UTC with milliseconds
 *  (`"2026-11-30T08:15:30.042Z"`). */
export function writeTimestamp(writer: JsonWriter, nanoseconds: u64): void {
  const milliseconds = nanoseconds / NANOSECONDS_PER_MILLISECOND;
  const inDay = <u32>(milliseconds % MILLISECONDS_PER_DAY);
  writer.raw('"');
  writeDate(writer, <u32>(milliseconds / MILLISECONDS_PER_DAY));
  writer.raw("T");
  writer.number(inDay / 3_600_000, 2);
  writer.raw(":");
  writer.number((inDay / 60_000) % 60, 2);
  writer.raw(":");
  writer.number((inDay / 1000) % 60, 2);
  writer.raw(".");
  writer.number(inDay % 1000, 3);
  writer.raw('Z"');
}

/** Writes the date of a day, counted from the Unix epoch. The computation's years begin on 1 March, so that a leap day is the
 *  last day of its year. */
function writeDate(writer: JsonWriter, day: u32): void {
  const days = day + DAYS_TO_EPOCH;
  const era = days / DAYS_PER_ERA;
  const dayOfEra = days % DAYS_PER_ERA;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  // From March on, months have 31, 30, 31, 30, 31, … days: 153 in every five months.
  const fromMarch = (5 * dayOfYear + 2) / 153;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  writer.number(era * 400 + yearOfEra + (month <= 2 ? 1 : 0), 4);
  writer.raw("-");
  writer.number(month, 2);
  writer.raw("-");
  writer.number(dayOfYear - (153 * fromMarch + 2) / 5 + 1, 2);
}
