/** The families and labels of metrics, from the filter's own tables (assembly/stats/catalogue.ts). */
import { load } from "../compile.ts";

/** A label of metrics. */
export interface Label {
  name: string;
  /** All values of a closed set, except for the empty one, which omits the label; undefined for an open set. */
  values?: string[];
  /** A metric may lack the label. */
  isOptional: boolean;
}

/** A family of metrics. */
export interface Family {
  name: string;
  isHistogram: boolean;
  /** The labels in the order in which a name contains them. */
  labels: Label[];
}

export interface Catalogue {
  families: Family[];
  labels: Label[];
}

/** The exports of catalogue.as.ts. Functions that return text trap if an index is too large. */
export interface CatalogueExports {
  familyName: (family: number) => number;
  /** One bit per label. */
  familyLabels: (family: number) => bigint;
  isHistogram: (family: number) => number;
  labelName: (label: number) => number;
  isClosed: (label: number) => number;
  closedValue: (label: number, index: number) => number;
  methodName: (method: number) => number;
  methodLabel: { value: number };
}

/** Labels with closed sets that do not apply to every metric of their families. */
const OPTIONAL = new Set(["mcp_method_name", "error_type", "rpc_response_status_code"]);
/** Labels with closed sets whose empty value no metric has: it stands for what has not happened yet. */
const NEVER_EMPTY = new Set(["mcp_outcome", "mcp_session_end", "mcp_task_state"]);
/** Labels with open sets that every metric of their families has. */
const ALWAYS = new Set(["mcp_role", "mcp_server", "mcp_access_rule", "mcp_limit_rule"]);
/** A closed set from which the filter's configuration chooses one. */
const ROLES = ["client", "server"];
/** More than any set has members. */
const LIMIT = 64;

/** Compiles the catalogue and reads it. */
export async function loadCatalogue(): Promise<Catalogue> {
  const exports = await load<CatalogueExports>("scripts/metrics/catalogue.as.ts");
  return readCatalogue(exports, (at) => exports.__getString(at));
}

/** Reads the catalogue. `text` returns the string at an address of the module. Throws if a label may be empty and nothing says
 *  whether metrics lack it then. */
export function readCatalogue(exports: CatalogueExports, text: (at: number) => string): Catalogue {
  const texts = (textOf: (index: number) => number) => textsUntilTrap((index) => text(textOf(index)));
  const valuesOf = (name: string, label: number): string[] | undefined => {
    if (name === "mcp_role") return ROLES;
    const isMethod = label === exports.methodLabel.value;
    if (!isMethod && !exports.isClosed(label)) return undefined;
    const values = texts(isMethod ? exports.methodName : (index) => exports.closedValue(label, index));
    if (values.includes("") && !OPTIONAL.has(name) && !NEVER_EMPTY.has(name)) {
      throw new Error(
        `A value of the label ${name} is empty. Add the label in scripts/metrics/catalogue.ts: to OPTIONAL if metrics may lack it, ` +
          "and to NEVER_EMPTY if no metric has that value.",
      );
    }
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
