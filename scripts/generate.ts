/**
 * `npm run generate`: writes the lists of labels and families into the files under envoy/, from the filter's catalogue
 * (assembly/stats/catalogue.ts), the dashboards, and the tested versions into docs/compatibility.md. Prints the files that
 * changed.
 */
import { readFileSync, writeFileSync } from "node:fs";

import { PAGE, withVersions } from "./compatibility/page.ts";
import { dashboardFiles } from "./dashboards/files.ts";
import { loadCatalogue } from "./metrics/catalogue.ts";
import { candidateFiles, regenerated } from "./metrics/files.ts";

const catalogue = await loadCatalogue();
for (const path of candidateFiles()) {
  const text = readFileSync(path, "utf8");
  update(path, text, regenerated(path, text, catalogue));
}
for (const { path, text } of dashboardFiles()) update(path, readFileSync(path, "utf8"), text);
const page = readFileSync(PAGE, "utf8");
update(PAGE, page, await withVersions(page));

function update(path: string, text: string, written: string): void {
  if (written === text) return;
  writeFileSync(path, written);
  console.log(path);
}
