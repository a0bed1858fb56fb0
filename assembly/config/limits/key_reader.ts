import { checkClaimPath } from "../rules/claim_path";
import { JsonType, JsonValue } from "../values/json_value";
import { nearestWord } from "../values/near_miss";
import { Problems, itemPath, suggestion } from "../values/problems";
import { anyOf, shownValue } from "../values/shown";
import { KEY_PARTS, KeyPart, KeyPartConfig } from "./limits_config";

/** Maximum number of parts. More parts would have effects that nobody can foresee. */
const MAX_PARTS: i32 = 8;
const CLAIM = "claim";

/** Reads a rule's `key`: what distinguishes separate allowances. */
export class KeyReader {
  constructor(private problems: Problems) {}

  readAll(path: string, value: JsonValue, to: KeyPartConfig[]): void {
    const problems = this.problems;
    if (!problems.isArray(path, "an array of parts", value)) return;
    problems.atMost(path, MAX_PARTS, "parts", value);
    for (let i = 0; i < value.items.length; i++) {
      const at = itemPath(path, i);
      const before = problems.errors.length;
      const part = this.read(at, value.items[i]);
      const other = indexOf(to, part);
      if (other >= 0 && problems.errors.length == before)
        problems.error(at, "duplicate of key[" + other.toString() + "]");
      to.push(part);
    }
  }

  private read(path: string, value: JsonValue): KeyPartConfig {
    const part = new KeyPartConfig();
    if (value.type == JsonType.Object) {
      this.readClaim(path, value, part);
      return part;
    }
    const index = value.type == JsonType.String ? KEY_PARTS.indexOf(value.text) : -1;
    if (index >= 0) {
      part.part = <KeyPart>index;
      return part;
    }
    const near = value.type == JsonType.String ? nearestWord(value.text, KEY_PARTS) : "";
    const form = anyOf(KEY_PARTS.concat(['{"claim": […]}']));
    this.problems.error(path, "expected " + form + ", got " + shownValue(value) + suggestion(near));
    return part;
  }

  private readClaim(path: string, value: JsonValue, part: KeyPartConfig): void {
    part.part = KeyPart.Claim;
    for (let i = 0; i < value.items.length; i++) {
      if (value.names[i] == CLAIM) part.claim = this.problems.list(path + "." + CLAIM, value.items[i]);
      else this.problems.refused(path, value.names[i], [CLAIM]);
    }
    checkClaimPath(path + "." + CLAIM, part.claim, this.problems);
  }
}

/** The index of an equal part; -1 if there is none. */
function indexOf(parts: KeyPartConfig[], part: KeyPartConfig): i32 {
  for (let i = 0; i < parts.length; i++) {
    if (parts[i].part == part.part && parts[i].claim.join("\0") == part.claim.join("\0")) return i;
  }
  return -1;
}
