/** Misspells a file's keys, one at a time. */
import { parse } from "yaml";

/** A copy of a document in which one key is wrong. */
export interface Misspelt {
  /** The key's place: the keys and indexes that lead to it. */
  place: string;
  document: unknown;
}

/**
 * Maps with arbitrary keys: labels, fields of a log line, names of extensions, of JWT providers, of pinned tools and of
 * Compose's services, prefixes of metrics.
 */
const FREE =
  /(^|\.)(pins\.\d+\.tools|labels|matchLabels|annotations|json_format|providers|services|typed_extension_protocol_options|typed_per_filter_config|[a-z.]+\/statsHistogramBuckets)$/;

/** Copies of the document with one letter added to one key each, also within texts that are YAML or JSON themselves. */
export function misspell(document: unknown, place = ""): Misspelt[] {
  const inner = (value: unknown, name: string, rebuild: (value: unknown) => unknown) => {
    const found = misspell(value, place === "" ? name : `${place}.${name}`);
    return found.map((one) => ({ place: one.place, document: rebuild(one.document) }));
  };
  if (Array.isArray(document)) {
    return document.flatMap((item, index) => inner(item, String(index), (changed) => document.with(index, changed)));
  }
  if (typeof document === "string") {
    const embedded = embeddedIn(document);
    if (embedded === undefined) return [];
    return misspell(embedded, place).map((one) => ({ place: one.place, document: JSON.stringify(one.document) }));
  }
  if (typeof document !== "object" || document === null) return [];
  const entries = Object.entries(document);
  return entries.flatMap(([key, value], index) => {
    const rename = { place: `${place}.${key}`, document: Object.fromEntries(entries.with(index, [`${key}x`, value])) };
    const deeper = inner(value, key, (changed) => Object.fromEntries(entries.with(index, [key, changed])));
    return FREE.test(place) ? deeper : [rename, ...deeper];
  });
}

/**
 * The map in a text, if it contains one: YAML of several lines, or JSON. (A template such as `{workload}` is neither.)
 */
export function embeddedIn(value: string): Record<string, unknown> | undefined {
  if (!value.startsWith('{"') && !value.includes("\n")) return undefined;
  const parsed: unknown = parse(value);
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : undefined;
}

const HCL_KEY = /^( *"?)(\w+)("? *(?:=|:|\{))|(\{ "|, ")(\w+)(": )/gm;

/** Copies of a text in HCL with one letter added to one key each, also within the JSON that it quotes. */
export function misspellHcl(hcl: string): Misspelt[] {
  return [...hcl.matchAll(HCL_KEY)].map((match) => {
    const [, before, key, , innerBefore, innerKey] = match;
    const end = match.index + (before ?? innerBefore).length + (key ?? innerKey).length;
    const line = hcl.slice(0, end).split("\n").length;
    return { place: `${line}: ${key ?? innerKey}`, document: `${hcl.slice(0, end)}x${hcl.slice(end)}` };
  });
}
