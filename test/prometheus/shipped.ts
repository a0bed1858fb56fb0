/** The rule files that we ship. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** The folder of the files for Prometheus. */
export const FOLDER = fileURLToPath(new URL("../../envoy/prometheus", import.meta.url));

export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: object;
  annotations?: object;
}

export interface RuleFile {
  groups: { rules: Rule[] }[];
}

export function readRuleFile(path: string): RuleFile {
  return parse(readFileSync(path, "utf8")) as RuleFile;
}

/** The rules of a file of {@link FOLDER}. */
export function rulesOf(file: string): Rule[] {
  return readRuleFile(join(FOLDER, file)).groups.flatMap(({ rules }) => rules);
}
