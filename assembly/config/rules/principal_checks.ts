import { Problems, itemPath } from "../values/problems";
import { quoted } from "../values/shown";
import { IdentityConfig, PrincipalSource } from "./identity_config";
import { SourceConfig } from "./rule_config";

/**
 * Checks the principals in rules. They need a source. Certificates have URIs, so a principal without a scheme, as Istio
 * writes them, never matches.
 */
export class PrincipalChecks {
  constructor(
    private identity: IdentityConfig,
    private problems: Problems,
  ) {}

  /** Checks a rule's `from`. `path` is the path of the rule. */
  check(path: string, from: SourceConfig[]): void {
    const sources = this.identity.principalSources;
    const isUri = !sources.includes(PrincipalSource.Jwt);
    for (let i = 0; i < from.length; i++) {
      const source = from[i];
      const at = itemPath(path + ".from", i) + ".source";
      if (sources.length == 0 && !(source.principals.isEmpty && source.trustDomains.isEmpty)) {
        this.problems.error(at, "without principalSources no caller has a principal, so this never matches");
      }
      if (!isUri) continue;
      this.checkUris(at + ".principals", source.principals.values);
      this.checkUris(at + ".notPrincipals", source.principals.notValues);
    }
  }

  private checkUris(path: string, principals: string[]): void {
    for (let i = 0; i < principals.length; i++) {
      if (principals[i].startsWith("*") || principals[i].includes("://")) continue;
      const text = 'expected a principal like "spiffe://cluster.local/ns/*", got ' + quoted(principals[i]);
      this.problems.error(itemPath(path, i), text + ", which never matches");
    }
  }
}
