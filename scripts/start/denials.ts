/** Renders what an access policy denied, as lines below the table. */
import { colors } from "../cli/colors.ts";
import type { Denial } from "../statistics/denials.ts";
import { nameOf } from "../statistics/names.ts";

/** The meanings of the built-in rule names. */
const SPECIAL_RULES: Record<string, string> = {
  _default: "no rule allows it",
  _refused: "the request cannot be decided; the log names the reason",
  _batch: "another message of its batch is denied",
  _closed: "there is no valid policy, so all MCP is denied",
};

/** Renders one line per denial, at most `lines`, and the meanings of built-in rules. Returns "" if there are no denials. */
export function renderDenials(denials: readonly Denial[], lines = Infinity): string {
  if (denials.length === 0) return "";
  const shown = denials.slice(0, Math.max(1, lines));
  const counts = shown.map(({ count }) => String(count));
  const width = Math.max(...counts.map(({ length }) => length));
  const rows = shown.map(({ server, rule, target, isShadow }, index) => {
    const what = `${nameOf(server)}  ${target === "" ? "a request" : nameOf(target)}`;
    const mode = isShadow ? colors.dim(" in shadow mode: not denied") : "";
    return `  ${colors.red(counts[index].padStart(width))}  ${what}  by ${rule}${mode}`;
  });
  const left = denials.length - shown.length;
  if (left > 0) rows.push(colors.dim(`  and ${left} more`));
  const special = Object.keys(SPECIAL_RULES).filter((name) => shown.some(({ rule }) => rule === name));
  const meanings = special.map((name) => colors.dim(`  ${name}: ${SPECIAL_RULES[name]}`));
  return [colors.bold("denied"), ...rows, ...meanings].join("\n");
}
