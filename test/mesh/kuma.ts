/**
 * Generates what Kuma's control plane generates from our MeshProxyPatch: the decoded filter at its place in the
 * listeners.
 */
import { parse } from "yaml";
import type { HttpFilter } from "./resources.ts";

export interface MeshProxyPatch {
  spec: { default: { appendModifications: Modification[] } };
}

type Modification = { httpFilter: Change } | { networkFilter: Change };
type Origin = "inbound" | "outbound";

interface Change {
  operation: string;
  match: { name: string; origin: Origin };
  /** A filter as YAML. */
  value: string;
}

const MANAGER = "envoy.filters.network.http_connection_manager";

/** The filters that these patches insert before the router of listeners of this origin, which have no others. */
export function filtersOf(patches: readonly MeshProxyPatch[], origin: Origin): HttpFilter[] {
  return changesOf(patches, "httpFilter").flatMap(({ operation, match, value }) => {
    if (operation !== "AddBefore" || match.name !== "envoy.filters.http.router")
      throw new Error(`${operation} ${match.name}`);
    // A filter inserted before the router comes after earlier ones.
    return match.origin === origin ? [parse(value) as HttpFilter] : [];
  });
}

/** The fields that these patches merge into the connection manager of listeners of this origin. */
export function managerOf(patches: readonly MeshProxyPatch[], origin: Origin): object {
  const fields = changesOf(patches, "networkFilter").map(({ operation, match, value }) => {
    if (operation !== "Patch" || match.name !== MANAGER) throw new Error(`${operation} ${match.name}`);
    const { name, typed_config } = parse(value) as { name: string; typed_config: object };
    if (name !== MANAGER) throw new Error(`${MANAGER} cannot become ${name}`);
    return match.origin === origin ? typed_config : {};
  });
  return Object.assign({}, ...fields) as object;
}

/** The text of each change to HTTP filters, which a test may replace. */
export function httpFiltersOf({ spec }: MeshProxyPatch): Change[] {
  return changesOf([{ spec }], "httpFilter");
}

function changesOf(patches: readonly MeshProxyPatch[], kind: "httpFilter" | "networkFilter"): Change[] {
  const modifications = patches.flatMap(({ spec }) => spec.default.appendModifications);
  return modifications.flatMap((one) => (kind in one ? [(one as Record<typeof kind, Change>)[kind]] : []));
}
