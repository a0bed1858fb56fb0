/** Validates one file. */
import { isMap } from "yaml";
import { type Build, BUILDS } from "../builds.ts";
import { configured, reportsOf } from "../filter/configured.ts";
import { type Configuration, nodeConfiguration, textConfiguration } from "./configuration.ts";
import { findInHcl, isHcl } from "./hcl.ts";
import { type Found, findIn } from "./manifest.ts";
import { placeOf } from "./places.ts";
import type { Problem } from "./problem.ts";
import { fileText } from "./text.ts";
import { documentsIn, faultsOf } from "./yaml.ts";

/** What was found in a file. */
export interface Result {
  /** Number of plugin configurations. */
  readonly configurations: number;
  /** In the order of the file. */
  readonly problems: readonly Problem[];
}

/** Fields that no plugin configuration has, but one of which every document of a mesh or of Envoy has. */
const MANIFEST_FIELDS = [
  ...["apiVersion", "kind", "Kind", "metadata", "spec", "meshConfig", "@type", "typed_config"],
  ...["static_resources", "dynamic_resources", "resources"],
];

/** Validates the bytes of a file with a build of the module. The ending of `name` shows only the format of the file. */
export function validateFile(name: string, bytes: Uint8Array, build: Build = BUILDS[0]): Result {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const found = isHcl(name, text) ? findInHcl(text) : configurationsIn(name, text, bytes);
  const problems = [...found.faults, ...found.configurations.flatMap((one) => problemsOf(one, build))];
  if (found.configurations.length === 0 && problems.length === 0) {
    const message = "the file contains no plugin configuration";
    problems.push({ severity: "error", configuration: "", path: "", message, offset: 0 });
  }
  return {
    configurations: found.configurations.length,
    problems: problems.sort((one, other) => one.offset - other.offset),
  };
}

/** The configurations in YAML or JSON. A file of JSON that is a configuration is left to the filter, with all its errors. */
function configurationsIn(name: string, text: string, bytes: Uint8Array): Found {
  const source = fileText(text);
  const isYaml = !/^\s*[[{]/.test(text) || /\.ya?ml$/.test(name);
  const json = isYaml ? undefined : parsedJson(text);
  if (!isYaml && !isManifest(json)) return { configurations: [textConfiguration("", source, bytes)], faults: [] };

  const found: Found = { configurations: [], faults: [] };
  try {
    const documents = documentsIn(source);
    if (isYaml) found.faults.push(...faultsOf(documents, source, ""));
    if (found.faults.length > 0) return found;
    for (const document of documents) findIn(document, source, found);
    const [document] = documents;
    if (found.configurations.length + found.faults.length > 0 || documents.length !== 1) return found;
    const { contents } = document;
    if (isMap(contents) && !MANIFEST_FIELDS.some((field) => contents.has(field))) {
      found.configurations.push(nodeConfiguration("", contents, document, source));
    }
  } catch (error) {
    // It is nested too deeply, has too many aliases, or contains itself.
    const message = `invalid YAML: ${(error as Error).message.split("\n")[0]}`;
    found.faults.push({ severity: "error", configuration: "", path: "", message, offset: 0 });
  }
  return found;
}

/** The value of JSON; undefined if it is not JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): boolean {
  return typeof value === "object" && value !== null && MANIFEST_FIELDS.some((field) => field in value);
}

/** A fault of JSON, with its line and its column in bytes. */
const JSON_FAULT = /^configuration: .* at line (\d+), column (\d+)$/;

function problemsOf(configuration: Configuration, build: Build): Problem[] {
  const { path: within, bytes, fileOffset, places } = configuration;
  return reportsOf(configured(bytes, {}, build)).map(({ severity, text }): Problem => {
    const [, line, column] = JSON_FAULT.exec(text) ?? [];
    const place = line === undefined ? placeOf(text, places) : undefined;
    const split = text.indexOf(": ", place?.path.length);
    const path = text.slice(0, split);
    const message = text.slice(split + 2);
    const base = { severity, configuration: within, path, message };
    if (line !== undefined) return { ...base, offset: fileOffset(offsetAt(bytes, Number(line), Number(column))) };
    if (place === undefined) return { ...base, offset: fileOffset(0) };
    const isAboutName = /^(?:unknown|duplicate) field/.test(message) && place.path === path;
    return { ...base, offset: isAboutName ? place.name : place.value };
  });
}

/** The offset in UTF-16 units of a line and of a column in bytes, both from 1. */
function offsetAt(bytes: Uint8Array, line: number, column: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) start = bytes.indexOf(0x0a, start) + 1;
  return Buffer.from(bytes.subarray(0, start + column - 1)).toString().length;
}
