import { CALLER_PART, HoldConfig } from "./rules/hold_config";
import { PrincipalSource } from "./rules/identity_config";
import { ConditionKey, SourceConfig } from "./rules/rule_config";
import { PluginConfig } from "./plugin_config";
import { Problems, itemPath } from "./values/problems";

/** The number of requests that a VM has at one time, and how many times the largest body its memory can hold. */
const STREAMS: i32 = 1000;
const BODIES: u32 = 1024;
const OF_BUILD = ", which this build can hold";
const NEVER_MATCHES = "the host of this build does not show it, so this never matches";

/** The size in bytes of the largest body that the build can hold; 0 if its host buffers bodies. */
let mostBodyBytes: u32 = 0;

/**
 * Declares that the build's host has only headers, parts of bodies and a log: it buffers no body, and shows neither the
 * caller's address nor a certificate. Called once, by the entry.
 * @param bodyBytes the size of the largest body that the filter holds instead
 */
export function declarePlainHost(bodyBytes: u32): void {
  mostBodyBytes = bodyBytes;
}

/** Sets the defaults of `hold` for a plain host, which are also the maxima. */
export function boundHold(hold: HoldConfig): void {
  if (!mostBodyBytes) return;
  hold.maxBodyBytes = mostBodyBytes;
  hold.maxStreams = STREAMS;
  hold.maxBytes = mostBodyBytes * BODIES;
  // All callers look the same.
  hold.callerPart = 1;
}

/** Reports as errors what a configuration asks of a plain host that it cannot do: ignoring it could open what was meant to
 *  be closed. Sets the part of `hold` that one caller may use. */
export function checkPlainHost(config: PluginConfig, problems: Problems): void {
  if (!mostBodyBytes) return;
  const hold = config.hold;
  if (hold.headers) problems.error("hold.headers", "the host of this build cannot hold headers");
  if (hold.maxBodyBytes > mostBodyBytes) {
    problems.error("hold.maxBodyBytes", "expected at most " + mostBodyBytes.toString() + "B" + OF_BUILD);
  }
  if (hold.maxStreams > STREAMS) problems.error("hold.maxStreams", "expected at most " + STREAMS.toString() + OF_BUILD);
  const mostBytes = mostBodyBytes * BODIES;
  if (hold.maxBytes > mostBytes)
    problems.error("hold.maxBytes", "expected at most " + mostBytes.toString() + "B" + OF_BUILD);
  const access = config.access;
  if (!access) return;
  if (access.pins.length) problems.error("access.pins", "this build does not remember the lists that a server sent");
  const isNamed = config.identity.principalSources.includes(PrincipalSource.ForwardedCertificate);
  if (isNamed) hold.callerPart = CALLER_PART;
  for (let i = 0; i < access.rules.length; i++) {
    const rule = access.rules[i];
    const path = itemPath("access.rules", i);
    for (let j = 0; j < rule.sources.length; j++) {
      checkSource(itemPath(path + ".from", j) + ".source", rule.sources[j], isNamed, problems);
    }
    for (let j = 0; j < rule.conditions.length; j++) {
      if (rule.conditions[j].key != ConditionKey.ClientName) continue;
      problems.error(itemPath(path + ".when", j) + ".key", "this build does not remember the clients of sessions");
    }
  }
}

function checkSource(path: string, source: SourceConfig, isNamed: bool, problems: Problems): void {
  if (!source.ipBlocks.isEmpty) problems.error(path + ".ipBlocks", NEVER_MATCHES);
  if (source.claims.length) problems.error(path + ".claims", NEVER_MATCHES);
  if (isNamed || (source.principals.isEmpty && source.trustDomains.isEmpty)) return;
  problems.error(path, 'only the principal source "x-forwarded-client-cert" exists on the host of this build');
}
