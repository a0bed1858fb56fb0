/** The metrics that the filter can make: their families and labels as its own tables and docs/metrics.md have them. */
import { readFileSync } from "node:fs";
import { type Catalogue, type CatalogueExports, type Family, readCatalogue } from "../../scripts/metrics/catalogue.ts";
import { TestModule } from "../unit/module.ts";

const module = new TestModule<CatalogueExports>("catalogue");

/** All families and labels, in the order of the filter's catalogue. */
export const CATALOGUE: Catalogue = readCatalogue(module.exports, (at) => module.string(at));

/** The labels of a family whose values are a closed set: each way in which they occur together. */
export function closedLabels({ labels }: Family): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const { name, values, isOptional } of labels) {
    if (values === undefined || name === "mcp_role" || name === "mcp_method_name") continue;
    all = all.flatMap((before) => [
      ...(isOptional ? [before] : []),
      ...values.map((value) => ({ ...before, [name]: value })),
    ]);
  }
  return all.filter(hasCodeIfError);
}

/** A code is what an `rpc_error`, what is `denied` and what is `limited` have, and nothing else has one. */
function hasCodeIfError(labels: Record<string, string>): boolean {
  return ["rpc_error", "denied", "limited"].includes(labels.mcp_outcome) === "rpc_response_status_code" in labels;
}

/** The rows of the tables in docs/metrics.md that begin with names of families: their types and further labels. */
export function documentedFamilies(): Map<string, { isHistogram: boolean; labels: string[] }> {
  const page = readFileSync("docs/metrics.md", "utf8");
  const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const ofFamilies = rows.filter((cells) => /^(counter|gauge|histogram)$/.test(cells[2] ?? ""));
  return new Map(
    ofFamilies.flatMap(([, names, type, labels]) => {
      // What is said of a label in brackets names none.
      const documented = codeIn(labels.replace(/\(\[.*?\]\(.*?\)\)/g, ""));
      return codeIn(names).map((name) => [name, { isHistogram: type === "histogram", labels: documented }] as const);
    }),
  );
}

function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code);
}
