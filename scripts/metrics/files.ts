/** The parts of the files under envoy/ that list the filter's labels and families. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

import type { Catalogue } from "./catalogue.ts";
import { relabelRules, type RelabelRule } from "./relabel.ts";

/** The folder of such files. */
const FOLDER = "envoy";
/** Lines with one entry of `stats_tags` each, in YAML or JSON. */
const TAGS = /(?:^ *(?:- )?\{ "?tag_name"?: .*\n)+/gm;
/** Istio's list. */
const ISTIO_TAGS = /(?<=^ *extraStatTags:\n)( *- )\w+\n(?:\1\w+\n)*/gm;
/** Istio's list in an annotation of a pod. */
const ISTIO_ANNOTATION = /\bmcp_role(?:,[a-z_]+)+/g;
/** Relabel rules, the first of which matches our names. */
const RELABEL = /^( *)metric_relabel_configs:\n(?: *#.*\n)?.*\n.*mcp_role___.*\n(?:(?:\1 {2}.*)?\n)*/gm;
/** The file whose relabel rules have comments. The other files refer to it. */
const EXPLAINED = join(FOLDER, "prometheus", "relabel.yaml");

/** The files that may have such a part. */
export function candidateFiles(): string[] {
  const names = readdirSync(FOLDER, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.(?:yaml|hcl|md)$/.test(name)).map((name) => join(FOLDER, name));
}

/** The text of a file with each such part regenerated from the catalogue. */
export function regenerated(path: string, text: string, catalogue: Catalogue): string {
  const labels = catalogue.labels.map(({ name }) => name);
  return text
    .replace(TAGS, (lines) => tagLines(lines, labels))
    .replace(ISTIO_TAGS, (_, bullet: string) => labels.map((label) => `${bullet}${label}\n`).join(""))
    .replace(ISTIO_ANNOTATION, labels.join(","))
    .replace(RELABEL, (_, indent: string) => relabelLines(indent, catalogue, path === EXPLAINED));
}

function tagLines(lines: string, labels: string[]): string {
  const indent = lines.slice(0, lines.search(/[^ ]/));
  if (lines.includes('"tag_name"')) {
    const entry = (label: string) => `${indent}{ "tag_name": "${label}", "regex": ${JSON.stringify(tagRegex(label))} }`;
    return `${labels.map(entry).join(",\n")}\n`;
  }
  return labels.map((label) => `${indent}- { tag_name: ${label}, regex: '${tagRegex(label)}' }\n`).join("");
}

/**
 * The regular expression that extracts a label from a metric's name, as Istio writes it for each entry of
 * `extraStatTags`.
 */
function tagRegex(label: string): string {
  return `(${label}=\\.=(.*?);\\.;)`;
}

function relabelLines(indent: string, catalogue: Catalogue, isExplained: boolean): string {
  const sections = relabelRules(catalogue).map(
    ({ comment, rules }) => (isExplained ? `  # ${comment}\n` : "") + rules.map(ruleLines).join(""),
  );
  const last = "  - regex: __tmp_mcp\n    action: labeldrop\n";
  const text = `metric_relabel_configs:\n${sections.join(isExplained ? "\n" : "")}${last}`;
  return text.replace(/^(?=.)/gm, indent);
}

function ruleLines({ source, regex, replacement, target }: RelabelRule): string {
  const quote = regex.includes("\\") ? "'" : '"';
  return [
    `  - source_labels: [${source}]\n`,
    `    regex: ${quote}${regex}${quote}\n`,
    ...(replacement === undefined ? [] : [`    replacement: ${replacement}\n`]),
    `    target_label: ${target}\n`,
  ].join("");
}
