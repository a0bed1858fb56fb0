import { SUBJECT_SCHEME } from "../host/subject_scheme";
import { KeyPart } from "./limits/limits_config";
import { PluginConfig } from "./plugin_config";
import { PrincipalSource } from "./rules/identity_config";
import { SourceConfig } from "./rules/rule_config";
import { Problems, itemPath } from "./values/problems";

const NO_CLAIMS = "NGINX does not show the claims of tokens, so this never matches";
const NO_SUBJECT =
  'the only principals in NGINX are subjects like "' + SUBJECT_SCHEME + 'CN=agent-1", so this never matches';

/** Reports as errors what a configuration asks of NGINX that it cannot do: ignoring it could open what was meant to be
 *  closed. */
export function checkNginx(config: PluginConfig, problems: Problems): void {
  if (config.hold.headers)
    problems.error("hold.headers", "NGINX cannot hold headers: every request would wait forever");
  const sources = config.identity.principalSources;
  // This header may have any principal.
  const isAny = sources.includes(PrincipalSource.ForwardedCertificate);
  const hasSubjects = sources.includes(PrincipalSource.PeerCertificate);
  const access = config.access;
  for (let i = 0; access && i < access.rules.length; i++) {
    checkFrom(itemPath("access.rules", i), access.rules[i].sources, isAny, hasSubjects, problems);
  }
  const limits = config.limits;
  for (let i = 0; limits && i < limits.rules.length; i++) {
    const rule = limits.rules[i];
    const path = itemPath("limits.rules", i);
    checkFrom(path, rule.sources, isAny, hasSubjects, problems);
    for (let j = 0; j < rule.key.length; j++) {
      if (rule.key[j].part == KeyPart.Claim) problems.error(itemPath(path + ".key", j), NO_CLAIMS);
    }
  }
}

function checkFrom(path: string, from: SourceConfig[], isAny: bool, hasSubjects: bool, problems: Problems): void {
  for (let i = 0; i < from.length; i++) {
    const source = from[i];
    const at = itemPath(path + ".from", i) + ".source";
    if (source.claims.length) problems.error(at + ".claims", NO_CLAIMS);
    if (isAny) continue;
    if (!source.trustDomains.isEmpty) problems.error(at, NO_SUBJECT);
    checkPrincipals(at + ".principals", source.principals.values, hasSubjects, problems);
    checkPrincipals(at + ".notPrincipals", source.principals.notValues, hasSubjects, problems);
  }
}

/** Reports patterns that no subject of a certificate can match. */
function checkPrincipals(path: string, patterns: string[], hasSubjects: bool, problems: Problems): void {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i];
    const star = pattern.indexOf("*");
    const begin = star < 0 ? pattern : pattern.substring(0, star);
    const isPossible = begin.startsWith(SUBJECT_SCHEME) || (star >= 0 && SUBJECT_SCHEME.startsWith(begin));
    if (!hasSubjects || !isPossible) problems.error(itemPath(path, i), NO_SUBJECT);
  }
}
