/** A comparison as text. */
import { renderTerminal } from "../bench/report/terminal.ts";
import type { Comparison } from "./compare.ts";
import type { Example, Line } from "./differences.ts";

/** Maximum number of printed examples. The table lists all kinds. */
const EXAMPLES = 12;
/** Maximum number of printed characters of an entry. */
const ENTRY_SHOWN = 240;
const SIGNS = { old: "-", new: "+", both: " " };

/** The counts by kind, examples as diffs of host calls, and the growth of memory. */
export function reportOf({ kinds, inputs, growth }: Comparison): string {
  const pages = Object.entries(growth).map(([name, { old, new: now }]) => `${name} ${old} → ${now}`);
  const memory = pages.length > 0 ? [`pages by which two workers grew in a batch: ${pages.join(", ")}`] : [];
  const passed = `all captures, ${inputs.toLocaleString("en")} generated inputs`;
  if (kinds.length === 0) return [`${passed}: no difference`, ...memory].join("\n");
  const rows = kinds.map((each) => {
    const { kind, configurations, old, new: now, inputs } = each;
    return [escaped(kind), configurations.join(" "), ...[old, now, inputs].map(String)];
  });
  const head = ["kind", "configurations", "only old", "only new", "inputs"];
  const table = renderTerminal({ head, textColumns: 2, rows });
  const examples = [...new Map(kinds.map(({ example }) => [textOf(example), example])).keys()];
  return [...examples.slice(0, EXAMPLES), table, `${passed}: ${kinds.length} kinds differ`, ...memory].join("\n");
}

function textOf({ configuration, title, lines }: Example): string {
  return [
    `configuration ${configuration}, ${title}`,
    ...lines.map((line, at) => `  ${lineOf(line, lines[at - 1])}`),
    "",
  ].join("\n");
}

/** An entry as one line. A long entry is cut to the part around the first byte that differs from the line before. */
function lineOf({ side, entry }: Line, before: Line | undefined): string {
  let from = 0;
  if (before !== undefined && before.side !== side) {
    while (from < entry.length && entry[from] === before.entry[from]) from++;
    from = from > ENTRY_SHOWN / 2 ? from - 40 : 0;
  }
  const part = escaped(entry.slice(from, from + ENTRY_SHOWN));
  return `${SIGNS[side]} ${from > 0 ? `…[${from}] ` : ""}${part}${from + ENTRY_SHOWN < entry.length ? "…" : ""}`;
}

function escaped(text: string): string {
  return text.replaceAll("\t", " ").replaceAll(/[^\x20-\x7e→]/g, (each) => {
    return `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
