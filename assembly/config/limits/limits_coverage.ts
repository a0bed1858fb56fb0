import { coversOperations, coversSources } from "../rules/coverage";
import { MethodScope } from "../rules/method_checks";
import { GET_STREAM, HANDSHAKE_METHODS } from "../rules/method_checks";
import { OperationConfig, SourceConfig, TextMatch } from "../rules/rule_config";
import { LimitRuleConfig } from "./limits_config";

/** Methods, in addition to those of the handshake, that a rule covers only if it names them. */
const NAMED_METHODS: string[] = [GET_STREAM, "subscriptions/listen", "tasks/cancel"];

/**
 * Whether the first rule applies to every request that the second one applies to. May return false where that is hard
 * to determine.
 */
export function coversRule(first: LimitRuleConfig, second: LimitRuleConfig): bool {
  const sameSources = describeSources(first.sources) == describeSources(second.sources);
  if (!sameSources && !coversSources(first.sources, second.sources)) return false;
  if (describeOperations(first.operations) == describeOperations(second.operations)) return true;
  if (namesMore(first.operations, second.operations)) return false;
  return coversOperations(first.operations, second.operations, MethodScope.Limited);
}

/** Whether the second operations name a method that must be named, and that the first ones do not name. */
function namesMore(first: OperationConfig[], second: OperationConfig[]): bool {
  const methods = HANDSHAKE_METHODS.concat(NAMED_METHODS);
  for (let i = 0; i < methods.length; i++) {
    if (names(second, methods[i]) && !names(first, methods[i])) return true;
  }
  return false;
}

function names(operations: OperationConfig[], method: string): bool {
  for (let i = 0; i < operations.length; i++) {
    if (operations[i].methods.values.includes(method)) return true;
  }
  return false;
}

/** A text that is equal for equal sources. */
function describeSources(sources: SourceConfig[]): string {
  let text = "";
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i];
    text += source.isAnonymous ? "\x02anonymous" : "\x02";
    text += describe(source.principals) + describe(source.trustDomains) + describe(source.ipBlocks);
    for (let j = 0; j < source.claims.length; j++) {
      text += source.claims[j].path.join("\0") + describe(source.claims[j].match);
    }
  }
  return text;
}

/** A text that is equal for equal operations. */
function describeOperations(operations: OperationConfig[]): string {
  let text = "";
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i];
    text += "\x02" + describe(operation.methods) + describe(operation.servers);
    text += describe(operation.tools) + describe(operation.prompts) + describe(operation.resources);
  }
  return text;
}

function describe(match: TextMatch): string {
  return "\x01" + match.values.join("\0") + "\x01" + match.notValues.join("\0");
}
