import { Cidr } from "../values/cidr";
import { anyMatches, anyMatchesAll } from "./glob";
import { MethodScope, methodsOfTarget } from "./method_checks";
import { MessageDirection, OperationConfig, SourceConfig, TextMatch } from "./rule_config";

/** Whether every address of the second block is in the first. */
export function coversBlock(first: string, second: string): bool {
  const outer = Cidr.parse(first);
  const inner = Cidr.parse(second);
  if (!outer || !inner) return false;
  return outer.prefix <= inner.prefix && outer.holds(changetype<usize>(inner.bytes), inner.size);
}

/**
 * Whether the sources of a first rule cover every caller that those of a second rule cover. May return false where that
 * is hard to determine.
 */
export function coversSources(first: SourceConfig[], second: SourceConfig[]): bool {
  if (first.length == 0) return true;
  for (let i = 0; i < second.length; i++) {
    let isCovered = false;
    for (let j = 0; j < first.length && !isCovered; j++) isCovered = coversSource(first[j], second[i]);
    if (!isCovered) return false;
  }
  return second.length > 0;
}

function coversSource(first: SourceConfig, second: SourceConfig): bool {
  if (first.isAnonymous && !second.isAnonymous) return false;
  if (first.claims.length > 0) return false;
  // If the second source requires no principal, it also covers callers without one.
  if (!first.principals.isEmpty && !coversValues(first.principals, second.principals)) return false;
  if (!first.trustDomains.isEmpty && !coversValues(first.trustDomains, second.trustDomains)) return false;
  return first.ipBlocks.isEmpty || coversBlocks(first.ipBlocks, second.ipBlocks);
}

function coversBlocks(first: TextMatch, second: TextMatch): bool {
  if (first.notValues.length > 0) return false;
  for (let i = 0; i < second.values.length; i++) {
    let isCovered = false;
    for (let j = 0; j < first.values.length && !isCovered; j++) {
      isCovered = coversBlock(first.values[j], second.values[i]);
    }
    if (!isCovered) return false;
  }
  return second.values.length > 0;
}

/**
 * Whether the operations of a first rule cover every client message that those of a second rule cover. May return false
 * where that is hard to determine.
 */
export function coversOperations(first: OperationConfig[], second: OperationConfig[], scope: MethodScope): bool {
  if (second.length == 0) return first.length == 0 || coversAny(first, new OperationConfig(), scope);
  for (let i = 0; i < second.length; i++) {
    const isOfClient = second[i].direction == MessageDirection.ClientToServer;
    if (first.length == 0 ? !isOfClient : !coversAny(first, second[i], scope)) return false;
  }
  return true;
}

function coversAny(first: OperationConfig[], second: OperationConfig, scope: MethodScope): bool {
  for (let i = 0; i < first.length; i++) {
    if (coversOperation(first[i], second, scope)) return true;
  }
  return false;
}

function coversOperation(first: OperationConfig, second: OperationConfig, scope: MethodScope): bool {
  if (first.direction != second.direction) return false;
  if (!coversMatch(first.servers, second.servers) || !coversMethods(first, second, scope)) return false;
  const targets = methodsOfTarget(first, scope);
  if (targets.length == 0) return true;
  // An operation names targets of one kind at most.
  if (methodsOfTarget(second, scope) != targets) return false;
  return (
    coversMatch(first.tools, second.tools) &&
    coversMatch(first.prompts, second.prompts) &&
    coversMatch(first.resources, second.resources)
  );
}

function coversMethods(first: OperationConfig, second: OperationConfig, scope: MethodScope): bool {
  if (second.methods.values.length > 0) return coversMatch(first.methods, second.methods);
  const implied = new TextMatch();
  implied.values = methodsOfTarget(second, scope);
  return coversMatch(first.methods, implied);
}

/** Whether the first match covers the second, for a text that every message has. */
function coversMatch(first: TextMatch, second: TextMatch): bool {
  if (first.isEmpty) return true;
  if (second.values.length == 0) return first.notValues.length == 0 && anyMatchesAll(first.values);
  return coversValues(first, second);
}

function coversValues(first: TextMatch, second: TextMatch): bool {
  if (first.notValues.length > 0) return false;
  for (let i = 0; i < second.values.length; i++) {
    if (!anyMatches(first.values, second.values[i])) return false;
  }
  return second.values.length > 0;
}
