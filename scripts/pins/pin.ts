/** The pin of a tool, computed from its definition without the module: docs/pins.md says what it is. */
import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

/** The members of a definition that a pin is of. */
const FIELDS: readonly string[] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];
/** What the filter reads of a definition: a larger one, or one nested more deeply, cannot be pinned. */
const SIZE_LIMIT = 65_536;
const DEPTH_LIMIT = 128;

/** The pin of a definition, as JSON.parse returns it. Undefined where it has none: where it is too large or nested too deeply, or
 *  a text in it has half a surrogate pair. */
export function pinOf(definition: object): string | undefined {
  const pinned = Object.fromEntries(Object.entries(definition).filter(([name]) => FIELDS.includes(name)));
  if (Buffer.byteLength(JSON.stringify(definition)) > SIZE_LIMIT || depthOf(definition) > DEPTH_LIMIT) return undefined;
  try {
    // The whole definition must have a canonical form, as it must for the filter.
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
