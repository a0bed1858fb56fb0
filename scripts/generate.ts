/**
 * `npm run generate`: writes the lists of labels and families into the files under envoy/, from the filter's catalogue
 * (assembly/stats/catalogue.ts). Prints the files that changed.
 */
import { readFileSync, writeFileSync } from "node:fs";

import { loadCatalogue } from "./metrics/catalogue.ts";
import { candidateFiles, regenerated } from "./metrics/files.ts";

const catalogue = await loadCatalogue();
for (const path of candidateFiles()) {
  const text = readFileSync(path, "utf8");
  const written = regenerated(path, text, catalogue);
  if (written === text) continue;
  writeFileSync(path, written);
  console.log(path);
}
