/** Rule files in which time passes faster: a test sees alerts fire and resolve that take minutes and hours. */
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readRuleFile } from "./shipped.ts";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 };
const DURATION = /\b(\d+)([smhd])\b/g;

/** Writes a rule file to a folder with all durations divided: windows, offsets, and how long alerts wait. Rates stay by the
 *  second. Returns the new path. */
export function writeHastened(path: string, folder: string, times: number): string {
  const file = readRuleFile(path);
  const divided = (text: string) =>
    text.replace(DURATION, (_, count: string, unit: keyof typeof SECONDS) => {
      return `${Math.round((Number(count) * SECONDS[unit] * 1000) / times)}ms`;
    });
  for (const rule of file.groups.flatMap(({ rules }) => rules)) {
    rule.expr = divided(rule.expr);
    if (rule.for !== undefined) rule.for = divided(rule.for);
  }
  const hastened = join(folder, `${basename(path)}.json`);
  writeFileSync(hastened, JSON.stringify(file));
  return hastened;
}
