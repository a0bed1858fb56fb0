/** What Kuma's control plane makes of our MeshProxyPatch: the text of the filter, decoded, at its place in the listeners. */
import { parse } from "yaml";
import type { HttpFilter } from "./resources.ts";

export interface MeshProxyPatch {
  spec: { default: { appendModifications: { httpFilter: Modification }[] } };
}

interface Modification {
  operation: string;
  match: { name: string; origin: "inbound" | "outbound" };
  /** A filter as YAML. */
  value: string;
}

/** The filters that these patches put before the router of listeners of this origin, which has no others. */
export function filtersOf(patches: readonly MeshProxyPatch[], origin: "inbound" | "outbound"): HttpFilter[] {
  const modifications = patches.flatMap(({ spec }) => spec.default.appendModifications);
  return modifications.flatMap(({ httpFilter: { operation, match, value } }) => {
    if (operation !== "AddBefore" || match.name !== "envoy.filters.http.router")
      throw new Error(`${operation} ${match.name}`);
    // One that is added before the router comes behind those that were.
    return match.origin === origin ? [parse(value) as HttpFilter] : [];
  });
}
