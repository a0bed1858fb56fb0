/** Renders what limits rejected, as lines below the table. */
import { colors } from "../cli/colors.ts";
import type { LimitedCaller, LimitTotals } from "../statistics/limits.ts";
import { nameOf } from "../statistics/names.ts";

/** The maximum number of callers that are named. The others are only counted. */
const MAX_CALLERS = 3;

/** Renders one line per rule, at most `lines`, and the limited callers. Returns "" if nothing was limited. */
export function renderLimits(
  totals: readonly LimitTotals[],
  callers: readonly LimitedCaller[],
  lines = Infinity,
): string {
  if (totals.length === 0) return "";
  const shown = totals.slice(0, Math.max(1, lines));
  const counts = shown.map(({ limited, requests }) => `${limited} of ${requests}`);
  const width = Math.max(...counts.map(({ length }) => length));
  const rows = shown.map(({ server, rule, isShadow }, index) => {
    const mode = isShadow ? colors.dim(" in shadow mode: not limited") : "";
    return `  ${colors.yellow(counts[index].padStart(width))}  ${nameOf(server)}  by ${rule}${mode}`;
  });
  const left = totals.length - shown.length;
  if (left > 0) rows.push(colors.dim(`  and ${left} more`));
  const servers = [...new Set(shown.map(({ server }) => server))];
  const who = servers.flatMap((server) => callersOf(server, callers));
  return [colors.bold("limited"), ...rows, ...who].join("\n");
}

/** A line with the callers that a server's rules limited; empty if metrics have no label for callers. */
function callersOf(server: string, callers: readonly LimitedCaller[]): string[] {
  const mine = callers.filter((each) => each.server === server);
  if (mine.length === 0) return [];
  const names = mine.slice(0, MAX_CALLERS).map(({ caller, limited }) => `${nameOf(caller)} ${limited}`);
  const left = mine.length - names.length;
  if (left > 0) names.push(`${left} more`);
  return [colors.dim(`  callers of ${nameOf(server)}: ${names.join(", ")}`)];
}
