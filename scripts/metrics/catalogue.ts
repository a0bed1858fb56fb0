/** The families and labels of metrics, as the filter's own tables have them (assembly/stats/catalogue.ts). */
import { load } from "../compile.ts";

/** A label of metrics. */
export interface Label {
  name: string;
  /** All values, where these are a closed set; not among them is the one that leaves the label out. */
  values?: string[];
  /** A metric may lack the label. */
  isOptional: boolean;
}

/** A family of metrics. */
export interface Family {
  name: string;
  isHistogram: boolean;
  /** In the order in which a name carries them. */
  labels: Label[];
}

export interface Catalogue {
  families: Family[];
  labels: Label[];
}

/** What catalogue.as.ts exports: functions of text trap where an index is beyond the last one. */
export interface CatalogueExports {
  familyName: (family: number) => number;
  /** A bit for each label. */
  familyLabels: (family: number) => bigint;
  isHistogram: (family: number) => number;
  labelName: (label: number) => number;
  isClosed: (label: number) => number;
  closedValue: (label: number, index: number) => number;
  methodName: (method: number) => number;
  methodLabel: { value: number };
}

/** Labels of closed sets that do not apply to every metric of their families. */
const OPTIONAL = new Set(["mcp_method_name", "error_type", "rpc_response_status_code"]);
/** Labels with values of open sets that every metric of their families has. */
const ALWAYS = new Set(["mcp_role", "mcp_server", "mcp_access_rule", "mcp_limit_rule"]);
/** A closed set of which the filter's configuration chooses one. */
const ROLES = ["client", "server"];
/** More than any set has members. */
const LIMIT = 64;

/** Compiles the catalogue and reads it. */
export async function loadCatalogue(): Promise<Catalogue> {
  const exports = await load<CatalogueExports>("scripts/metrics/catalogue.as.ts");
  return readCatalogue(exports, (at) => exports.__getString(at));
}

/** Reads the catalogue. `text` is the string at an address of the module. */
export function readCatalogue(exports: CatalogueExports, text: (at: number) => string): Catalogue {
  const texts = (textOf: (index: number) => number) => textsUntilTrap((index) => text(textOf(index)));
  const valuesOf = (name: string, label: number): string[] | undefined => {
    if (name === "mcp_role") return ROLES;
    const isMethod = label === exports.methodLabel.value;
    if (!isMethod && !exports.isClosed(label)) return undefined;
    const values = texts(isMethod ? exports.methodName : (index) => exports.closedValue(label, index));
    return values.filter((value) => value !== "");
  };
  const labels = texts(exports.labelName).map((name, label): Label => {
    const values = valuesOf(name, label);
    const isOptional = values === undefined ? !ALWAYS.has(name) : OPTIONAL.has(name);
    return { name, isOptional, ...(values !== undefined && { values }) };
  });
  const families = texts(exports.familyName).map((name, family): Family => {
    const bits = exports.familyLabels(family);
    const isHistogram = Boolean(exports.isHistogram(family));
    return { name, isHistogram, labels: labels.filter((_, label) => (bits >> BigInt(label)) & 1n) };
  });
  return { families, labels };
}

/** The texts for 0, 1, … until the module traps. */
function textsUntilTrap(text: (index: number) => string): string[] {
  const texts: string[] = [];
  for (let index = 0; index < LIMIT; index++) {
    try {
      texts.push(text(index));
    } catch {
      break;
    }
  }
  return texts;
}
