/** Renders the queues of limits, as lines below the table. */
import { colors } from "../cli/colors.ts";
import { formatQuantile } from "../statistics/format.ts";
import { nameOf } from "../statistics/names.ts";
import type { QueueTotals } from "../statistics/queues.ts";

/** Renders one line per queue, at most `lines`. Returns "" if nothing has waited. */
export function renderQueues(queues: readonly QueueTotals[], lines = Infinity): string {
  if (queues.length === 0) return "";
  const shown = queues.slice(0, Math.max(1, lines));
  const cells = shown.map(({ waiting, queued, waits }) => [
    String(waiting),
    String(queued),
    formatQuantile(0.95, 20, waits),
  ]);
  const titles = ["waiting", "queued", "p95 wait"];
  const padded = (column: number, text: string) =>
    text.padStart(Math.max(titles[column].length, ...cells.map((row) => row[column].length)));
  const head = colors.dim(`  ${titles.map((title, column) => padded(column, title)).join("  ")}`);
  const rows = shown.map(({ server, rule, waiting }, index) => {
    const [first, ...rest] = cells[index].map((text, column) => padded(column, text));
    const counts = [waiting > 0 ? colors.yellow(first) : first, ...rest];
    return `  ${counts.join("  ")}  ${nameOf(server)}  for ${rule}`;
  });
  const left = queues.length - shown.length;
  if (left > 0) rows.push(colors.dim(`  and ${left} more`));
  return [colors.bold("queues"), head, ...rows].join("\n");
}
