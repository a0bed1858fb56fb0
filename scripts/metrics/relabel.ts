/**
 * Prometheus's relabel rules for an Envoy without our tags. They parse a metric's name, in which Envoy replaces
 * everything but letters, digits and `_` by `_`, so that `___` follows each label and each value.
 */
import type { Catalogue, Family, Label } from "./catalogue.ts";

/** A rule of `metric_relabel_configs`. The regular expression is anchored at both ends. */
export interface RelabelRule {
  source: string;
  regex: string;
  /** `$1` if absent. */
  replacement?: string;
  target: string;
}

/** Rules with a common comment. */
export interface Section {
  comment: string;
  rules: RelabelRule[];
}

const NAME = "__name__";
/** The temporary label with the part of the name before the labels with closed sets. */
const BEFORE = "__tmp_mcp";
/** A value of a closed set: characters, each with at most two underscores before it. */
const CLOSED = "(?:_?_?[^_])+";
/**
 * Values of open sets by label; any value for labels not listed. A caller's value (assembly/stats/caller_value.ts) has
 * three underscores in a row only after a scheme.
 */
const OPEN: Record<string, string> = { mcp_caller: "(?:[A-Za-z0-9]+___)?(?:_?_?[^_])*_?_?" };
/** Labels with open sets that are matched from the left, in the order of a name. */
const FROM_THE_LEFT = ["mcp_role", "mcp_server", "mcp_method_name", "gen_ai_tool_name", "gen_ai_prompt_name"];
/** The family with the build, which has no role. */
const BUILD = "mcp_build_info";
/**
 * Labels of families without tools and prompts whose values could contain the end of another name. Untrusted callers
 * choose one of them, the operator the other one.
 */
const COULD_HOLD_LABELS = ["mcp_client_name", "mcp_limit_rule"];

/** Restores characters other than letters, digits and underscores in values of closed sets. */
const FIXED_RESTORATIONS: RelabelRule[] = [
  restoration("rpc_response_status_code", "_(\\d+)", "-$1"),
  restoration("mcp_protocol_version", "(\\d{4})_(\\d{2})_(\\d{2})", "$1-$2-$3"),
  restoration("mcp_header", "mcp_(method|name|param)", "mcp-$1"),
  restoration("mcp_header", "mcp_protocol_version", "mcp-protocol-version"),
];

/** The rules for all families. */
export function relabelRules({ families, labels }: Catalogue): Section[] {
  const restorations = restorationsOf(labels);
  checkRestorations(labels, restorations);
  const groups = groupsOf(families);
  return [
    {
      comment: "Extract the labels with closed sets of values, and the labels after them.",
      rules: groups.flatMap((group) => group.tail.map((label) => labelRule(group, label))),
    },
    {
      comment: "Extract the part of the name before these labels.",
      rules: groups.map((group) => ({ source: NAME, regex: `(${headOf(group)})${tailOf(group)}`, target: BEFORE })),
    },
    { comment: "Extract the labels of this part, from the left.", rules: leftRules() },
    { comment: "Restore the original values of closed sets.", rules: restorations },
    {
      comment: "Extract the build: a version of at least three numbers, and the digits of a hash.",
      rules: [
        buildRule("mcp_build_version___(.+)___mcp_build_revision___[0-9a-z]+", "mcp_build_version"),
        buildRule("mcp_build_version___.+___mcp_build_revision___([0-9a-z]+)", "mcp_build_revision"),
        restoration("mcp_build_version", "(\\d+)_(\\d+)_(\\d+)(.*)", "$1.$2.$3$4"),
      ],
    },
    {
      comment: "Reduce the name to the family.",
      rules: [{ source: NAME, regex: "mcp_(?:role|build_version)___.+___(mcp_[a-z_]+)", target: NAME }],
    },
  ];
}

function buildRule(labels: string, target: string): RelabelRule {
  return { source: NAME, regex: `${labels}___${BUILD}`, target };
}

/** Families whose names end in the same labels. */
interface Group {
  tail: Label[];
  /** A regular expression for the families' names in an exposition. */
  names: string;
}

function groupsOf(families: Family[]): Group[] {
  const byTail = new Map<string, Family[]>();
  for (const family of families.filter(({ name, labels }) => labels.length > 0 && name !== BUILD)) {
    const key = tailLabels(family)
      .map(({ name }) => name)
      .join();
    byTail.set(key, [...(byTail.get(key) ?? []), family]);
  }
  return [...byTail.values()].map((group) => ({ tail: tailLabels(group[0]), names: namesOf(group) }));
}

function tailLabels({ labels }: Family): Label[] {
  return labels.filter(({ name }) => !FROM_THE_LEFT.includes(name));
}

function namesOf(families: Family[]): string {
  const names = families.map(({ name, isHistogram }) => (isHistogram ? `${name}_(?:bucket|sum|count)` : name));
  return names.length === 1 ? names[0] : `(?:${names.join("|")})`;
}

function labelRule(group: Group, label: Label): RelabelRule {
  return { source: NAME, regex: headOf(group) + tailOf(group, label), target: label.name };
}

/** The beginning of a name of the group. */
function headOf({ tail }: Group): string {
  // Matches as little as possible if the tail may be absent, or ends in a name that could contain another tail.
  const isShort =
    tail.some(({ name }) => COULD_HOLD_LABELS.includes(name)) || (tail.length > 0 && tail.every(isOptional));
  return isShort ? "mcp_role___.+?" : "mcp_role___.+";
}

/** The end of a name of the group. The value of `captured` is a group of the expression. */
function tailOf({ tail, names }: Group, captured?: Label): string {
  const parts = tail.map((label) => {
    if (label === captured) return `___${label.name}___(${valueOf(label)})`;
    const part = `___${label.name}___${nonCapturing(valueOf(label))}`;
    return label.isOptional ? `(?:${part})?` : part;
  });
  return `${parts.join("")}___${names}`;
}

function isOptional(label: Label): boolean {
  return label.isOptional;
}

function valueOf({ name, values, isOptional }: Label): string {
  if (values === undefined) return OPEN[name] ?? ".+";
  // Lists the values themselves if something else may be in the place of the label.
  return name === "error_type" && isOptional ? values.join("|") : CLOSED;
}

function nonCapturing(value: string): string {
  return value.includes("|") ? `(?:${value})` : value;
}

function leftRules(): RelabelRule[] {
  const rule = (regex: string, target: string): RelabelRule => ({ source: BEFORE, regex, target });
  return [
    rule("mcp_role___(client|server)(?:___.+)?", "mcp_role"),
    rule(
      "mcp_role___(?:client|server)___mcp_server___(.+?)(?:___(?:mcp_method_name|gen_ai_tool_name)___.+)?",
      "mcp_server",
    ),
    rule("mcp_role___(?:client|server)___mcp_server___.+?___((?:mcp_method_name|gen_ai_tool_name)___.+)", BEFORE),
    rule(`mcp_method_name___(${CLOSED})(?:___gen_ai_(?:tool|prompt)_name___.+)?`, "mcp_method_name"),
    rule("(?:mcp_method_name___tools_call___)?gen_ai_tool_name___(.+)", "gen_ai_tool_name"),
    rule("mcp_method_name___prompts_get___gen_ai_prompt_name___(.+)", "gen_ai_prompt_name"),
  ];
}

function restoration(label: string, regex: string, replacement: string): RelabelRule {
  return { source: label, regex, replacement, target: label };
}

function restorationsOf(labels: Label[]): RelabelRule[] {
  const methods = labels.find(({ name }) => name === "mcp_method_name")?.values ?? [];
  const parts = methods.map((method) => method.split("/"));
  const firsts = distinct(parts.filter(({ length }) => length > 1).map(([first]) => first));
  const pairs = distinct(parts.filter(({ length }) => length > 2).map(([first, second]) => `${first}/${second}`));
  return [
    restoration("mcp_method_name", `(${firsts.join("|")})_(.+)`, "$1/$2"),
    restoration("mcp_method_name", `(${pairs.join("|")})_(.+)`, "$1/$2"),
    ...FIXED_RESTORATIONS,
  ];
}

function distinct(texts: string[]): string[] {
  return [...new Set(texts)].sort();
}

/** Throws if a value of a closed set is not restored exactly. */
function checkRestorations(labels: Label[], rules: RelabelRule[]): void {
  for (const { name, values = [] } of labels) {
    const mine = rules.filter(({ target }) => target === name);
    for (const value of values) {
      const restored = mine.reduce(
        (text, { regex, replacement = "$1" }) => text.replace(new RegExp(`^(?:${regex})$`), replacement),
        value.replace(/[^A-Za-z0-9_]/g, "_"),
      );
      if (restored !== value) throw new Error(`${name}="${value}" comes back as "${restored}": see FIXED_RESTORATIONS`);
    }
  }
}
