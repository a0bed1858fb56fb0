import { checkClaimPath } from "./claim_path";
import { ClaimConfig, SourceConfig } from "./rule_config";
import { isCidr } from "../values/cidr";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";

const FIELDS: string[] = [
  "principals",
  "notPrincipals",
  "trustDomains",
  "notTrustDomains",
  "ipBlocks",
  "notIpBlocks",
  "claims",
  "anonymous",
];
const CLAIM_FIELDS: string[] = ["path", "values", "notValues"];

/** Reads a rule's `from`: the callers that it covers. */
export class SourceReader {
  constructor(private problems: Problems) {}

  readAll(path: string, value: JsonValue, to: SourceConfig[]): void {
    const items = this.problems.wrapped(path, value, "source");
    for (let i = 0; i < items.length; i++) {
      const source = new SourceConfig();
      to.push(source);
      const item = items[i];
      if (item) this.read(itemPath(path, i) + ".source", item, source);
    }
  }

  private read(path: string, value: JsonValue, source: SourceConfig): void {
    const problems = this.problems;
    if (value.items.length == 0) problems.error(path, "expected at least one field");
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      const at = path + "." + name;
      if (name == "principals") source.principals.values = problems.list(at, item);
      else if (name == "notPrincipals") source.principals.notValues = problems.list(at, item);
      else if (name == "trustDomains") source.trustDomains.values = problems.list(at, item);
      else if (name == "notTrustDomains") source.trustDomains.notValues = problems.list(at, item);
      else if (name == "ipBlocks") source.ipBlocks.values = this.blocks(at, item);
      else if (name == "notIpBlocks") source.ipBlocks.notValues = this.blocks(at, item);
      else if (name == "claims") this.readClaims(at, item, source.claims);
      else if (name == "anonymous") {
        source.isAnonymous = true;
        if (item.type != JsonType.Boolean || !item.boolean) problems.expected(at, "true", item);
      } else problems.refused(path, name, FIELDS);
    }
    if (source.isAnonymous && !(source.principals.isEmpty && source.trustDomains.isEmpty)) {
      problems.error(path, "anonymous callers have no principals: use two sources");
    }
  }

  private blocks(path: string, value: JsonValue): string[] {
    const blocks = this.problems.list(path, value);
    for (let i = 0; i < blocks.length; i++) {
      if (!isCidr(blocks[i])) {
        this.problems.expected(itemPath(path, i), 'an IP address or block like "10.0.0.0/8"', value.items[i]);
      }
    }
    return blocks;
  }

  private readClaims(path: string, value: JsonValue, to: ClaimConfig[]): void {
    const problems = this.problems;
    if (!problems.isArray(path, "an array of claims", value)) return;
    // An empty list would hold for everybody.
    if (value.items.length == 0) problems.error(path, "expected at least one claim");
    for (let i = 0; i < value.items.length; i++) {
      const item = value.items[i];
      const at = itemPath(path, i);
      const claim = new ClaimConfig();
      to.push(claim);
      if (!problems.isObject(at, item)) continue;
      for (let j = 0; j < item.items.length; j++) {
        const name = item.names[j];
        if (name == "path") claim.path = problems.list(at + ".path", item.items[j]);
        else if (name == "values") claim.match.values = problems.list(at + ".values", item.items[j]);
        else if (name == "notValues") claim.match.notValues = problems.list(at + ".notValues", item.items[j]);
        else problems.refused(at, name, CLAIM_FIELDS);
      }
      checkClaimPath(at + ".path", claim.path, problems);
      if (claim.match.isEmpty) problems.error(at, "expected values or notValues");
    }
  }
}
