/** The metrics that the filter can make: their families and labels as its own tables and docs/metrics.md have them. */
import { readFileSync } from "node:fs";
import { decodeMetricName } from "../host/metric-name.ts";
import { TestModule } from "../unit/module.ts";

/** A family of metrics. */
export interface Family {
  name: string;
  isHistogram: boolean;
  /** The further labels that docs/metrics.md gives it. */
  documented: string[];
  /** Its own labels, of which the set of names and values is closed: each way they occur together. */
  own: Record<string, string>[];
}

interface Exports {
  family(index: number): number;
  method(index: number): number;
  ownLabels(family: number, first: number, second: number): number;
}

/** More than any closed set has members. */
const LIMIT = 64;
/** Labels that are left out where they say nothing. */
const OPTIONAL = ["error_type", "rpc_response_status_code"];

const module = new TestModule<Exports>("catalogue");

/** All families, in the order of the filter's catalogue. */
export function families(): Family[] {
  const documented = documentedFamilies();
  return textsUntilTrap((index) => module.exports.family(index)).map((name, index) => {
    const row = documented.get(name);
    if (row === undefined) throw new Error(`docs/metrics.md has no ${name}`);
    return { name, ...row, own: ownLabelsOf(index) };
  });
}

/** The methods as labels show them, `_OTHER` among them. */
export function methods(): string[] {
  return textsUntilTrap((index) => module.exports.method(index)).filter((name) => name !== "");
}

/** The rows of the tables in docs/metrics.md that begin with names of families. */
export function documentedFamilies(): Map<string, { isHistogram: boolean; documented: string[] }> {
  const page = readFileSync("docs/metrics.md", "utf8");
  const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const ofFamilies = rows.filter((cells) => /^(counter|gauge|histogram)$/.test(cells[2] ?? ""));
  return new Map(
    ofFamilies.flatMap(([, names, type, labels]) => {
      // What is said of a label in brackets names none.
      const documented = codeIn(labels.replace(/\(\[.*?\]\(.*?\)\)/g, ""));
      return codeIn(names).map((name) => [name, { isHistogram: type === "histogram", documented }] as const);
    }),
  );
}

function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code);
}

function ownLabelsOf(family: number): Record<string, string>[] {
  const firsts = textsUntilTrap((first) => module.exports.ownLabels(family, first, 0)).keys();
  const names = [...firsts].flatMap((first) =>
    textsUntilTrap((second) => module.exports.ownLabels(family, first, second)),
  );
  const combinations = [...new Set(names)].map((name) => ({ ...decodeMetricName(name).labels }));
  // An index that stands for "none yet" brings no label.
  const all = new Set(combinations.flatMap((labels) => Object.keys(labels)));
  const required = [...all].filter((label) => !OPTIONAL.includes(label));
  return combinations.filter((labels) => required.every((label) => label in labels) && hasCodeIfError(labels));
}

/** A code is what an `rpc_error` and what is `denied` have, and nothing else has one. */
function hasCodeIfError(labels: Record<string, string>): boolean {
  return ["rpc_error", "denied"].includes(labels.mcp_outcome) === "rpc_response_status_code" in labels;
}

/** The strings of a function of the module for 0, 1, … until it traps. */
function textsUntilTrap(text: (index: number) => number): string[] {
  const texts: string[] = [];
  for (let index = 0; index < LIMIT; index++) {
    try {
      texts.push(module.string(text(index)));
    } catch {
      break;
    }
  }
  return texts;
}
