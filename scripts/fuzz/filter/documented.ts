import { readFileSync } from "node:fs";
import { MetricType } from "../../host/index.ts";
import { Mismatch, same } from "../target.ts";
import type { Defined } from "./watched-store.ts";

interface Family {
  readonly type: string;
  readonly labels: readonly string[];
}

/** Labels that every family may have. */
const COMMON = ["mcp_role", "mcp_server"];
const NAME = /`([a-z_]+)`/g;
const ROW = /^\|([^|]*)\| *(counter|gauge|histogram) *\|([^|]*)\|$/gm;

const FAMILIES = documentedFamilies(readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8"));

/** Maximum numbers of values of a label in the default configuration, by label, and for labels not listed. */
const VALUES: Readonly<Record<string, number>> = { mcp_caller: 64, mcp_client_name: 32, mcp_method_name: 60 };
const OTHER_VALUES = 20;
/** The syntax of names in labels. */
const VALUE = /^(?:[\w\-./:@+]|%[\dA-F]{2})*(?:~[\da-f]{16})?$/;

/** Throws if a series is not in docs/metrics.md, or if a label has more values than the caps (by label) allow. */
export function checkDocumented(series: readonly Defined[], caps: Readonly<Record<string, number>>): void {
  const values = new Map<string, Set<string>>();
  for (const { type, metric } of series) {
    const family = FAMILIES.get(metric.name);
    if (family === undefined) throw new Mismatch("metric", metric.name, "one of docs/metrics.md");
    same(`type of ${metric.name}`, Object.keys(MetricType)[type].toLowerCase(), family.type);
    for (const [label, value] of Object.entries(metric.labels)) {
      if (![...COMMON, ...family.labels].includes(label)) {
        throw new Mismatch(`label of ${metric.name}`, label, "one of docs/metrics.md");
      }
      if (!VALUE.test(value)) throw new Mismatch(`value of ${label}`, value, "plain or percent-encoded characters");
      if (!values.has(label)) values.set(label, new Set());
      values.get(label)!.add(value);
    }
  }
  for (const [label, { size }] of values) {
    // One more value stands for all others.
    const limit = 1 + (caps[label] ?? VALUES[label] ?? OTHER_VALUES);
    if (size > limit) throw new Mismatch(`values of ${label}`, size, `at most ${limit}`);
  }
}

function documentedFamilies(page: string): Map<string, Family> {
  const rows = [...page.matchAll(ROW)].flatMap(([, names, type, labels]) =>
    namesIn(names).map((name): [string, Family] => [name, { type, labels: namesIn(labels) }]),
  );
  if (rows.length === 0) throw new Error("docs/metrics.md names no families");
  return new Map(rows);
}

function namesIn(cell: string): string[] {
  return [...cell.matchAll(NAME)].map(([, name]) => name);
}
