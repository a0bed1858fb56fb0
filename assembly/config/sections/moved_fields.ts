import { JsonType, JsonValue } from "../values/json_value";
import { Problems } from "../values/problems";

/**
 * Fields that were in `access` before other sections needed them: the name in `access`, which is still accepted, and
 * the present section and name.
 */
const MOVED: string[][] = [
  ["principalSources", "identity", "principalSources"],
  ["jwtPayloadKey", "identity", "jwtPayloadKey"],
  ["holdHeaders", "hold", "headers"],
  ["maxBodyBytes", "hold", "maxBodyBytes"],
];

/** Reports the fields that a configuration has in both places. */
export function refuseBoth(document: JsonValue, problems: Problems): void {
  for (let i = 0; i < MOVED.length; i++) {
    const section = MOVED[i][1];
    const field = MOVED[i][2];
    if (!has(document, "access", MOVED[i][0]) || !has(document, section, field)) continue;
    problems.error("access." + MOVED[i][0], "same setting as " + section + "." + field + ": use one of them");
  }
}

/** The present place of a field by its name in `access`; empty for a field that has not moved. */
export function presentPlace(name: string): string {
  for (let i = 0; i < MOVED.length; i++) {
    if (MOVED[i][0] == name) return MOVED[i][1] + "." + MOVED[i][2];
  }
  return "";
}

/** Whether the document has a section with this field. */
function has(document: JsonValue, section: string, field: string): bool {
  const at = document.names.indexOf(section);
  if (at < 0) return false;
  const value = document.items[at];
  return value.type == JsonType.Object && value.names.includes(field);
}
