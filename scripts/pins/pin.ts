/** The pin of a tool, computed from its definition without the module. docs/pins.md defines it. */
import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

/** The members of a definition that a pin covers. */
const FIELDS: readonly string[] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];
/** Limits of the filter. A larger or more deeply nested definition cannot be pinned. */
const SIZE_LIMIT = 65_536;
const DEPTH_LIMIT = 128;

/**
 * The pin of a definition, as returned by JSON.parse. Undefined if it has none: it is too large or too deeply nested,
 * or a text in it has half a surrogate pair.
 */
export function pinOf(definition: object): string | undefined {
  const pinned = Object.fromEntries(Object.entries(definition).filter(([name]) => FIELDS.includes(name)));
  if (Buffer.byteLength(JSON.stringify(definition)) > SIZE_LIMIT || depthOf(definition) > DEPTH_LIMIT) return undefined;
  try {
    // The whole definition must have a canonical form, as in the filter.
    canonicalize(definition);
    return createHash("sha256").update(canonicalize(pinned)!).digest("hex");
  } catch {
    return undefined;
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
