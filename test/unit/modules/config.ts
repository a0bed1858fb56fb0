import { AccessConfig, RULE_ACTIONS, RuleConfig } from "../../../assembly/config/access/access_config";
import { PRINCIPAL_SOURCES } from "../../../assembly/config/rules/identity_config";
import {
  ConditionKey,
  DENIAL_FORMS,
  MESSAGE_DIRECTIONS,
  RULE_MODES,
  ScalarKind,
  SourceConfig,
  TextMatch,
} from "../../../assembly/config/rules/rule_config";
import { ConfigReader } from "../../../assembly/config/config_reader";
import { PluginConfig } from "../../../assembly/config/plugin_config";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "number")
declare function traceNumber(field: string, value: i32): void;

// @ts-ignore: decorator
@external("trace", "text")
declare function traceText(field: string, value: string): void;

// @ts-ignore: decorator
@external("trace", "item")
declare function traceItem(field: string, item: string): void;

export function read(at: usize, length: usize): void {
  const reader = new ConfigReader();
  reader.read(at, length);
  const config = reader.config;
  traceText("instance", config.instance);
  traceText("server", config.server.text);
  traceText("role", config.role);
  traceNumber("maxTools", config.maxTools);
  traceNumber("maxServers", config.maxServers);
  traceNumber("sessionIdleSeconds", config.sessionIdleSeconds);
  traceNumber("maxSessions", config.maxSessions);
  traceNumber("callerLabel", config.callerLabel);
  traceNumber("estimateTokens", config.estimateTokens ? 1 : 0);
  traceText("tokenScale", config.tokenScale.toString());
  traceText("maxTokenBytes", config.maxTokenBytes.toString());
  traceNumber("logLevel", config.logLevel);
  const access = config.access;
  if (access) traceAccess(access, config);
  traceItems("matchPaths", config.matchPaths);
  traceItems("tools", config.tools);
  traceItems("callerHeaders", config.callerHeaders);
  traceItems("errors", reader.errors);
  traceItems("warnings", reader.warnings);
}

function traceItems(field: string, items: string[]): void {
  for (let i = 0; i < items.length; i++) traceItem(field, items[i]);
}

/** The policy, a line for each of its parts. */
function traceAccess(access: AccessConfig, config: PluginConfig): void {
  const sources = config.identity.principalSources.map<string>((source) => PRINCIPAL_SOURCES[source]).join(" ");
  traceItem("access", "mode " + RULE_MODES[access.mode] + ", else " + RULE_ACTIONS[access.defaultAction]);
  traceItem("access", "principals " + sources + ", payload " + config.identity.jwtPayloadKey);
  traceItem(
    "access",
    "holds " + (config.hold.headers ? "headers, " : "") + config.hold.maxBodyBytes.toString() + " bytes",
  );
  traceItem("access", "denies by " + DENIAL_FORMS[access.denialForm] + " " + access.denialStatus.toString());
  if (access.denialCors.length) traceItem("access", "denials for pages of " + access.denialCors.join(" "));
  traceItem("access", "audits " + access.auditPerSecond.toString() + (access.auditArguments ? " with arguments" : ""));
  for (let i = 0; i < access.rules.length; i++) traceRule(access.rules[i]);
}

function traceRule(rule: RuleConfig): void {
  traceItem("access", "rule " + rule.name + " " + RULE_ACTIONS[rule.action] + " " + RULE_MODES[rule.mode]);
  for (let i = 0; i < rule.sources.length; i++) traceSource(rule.sources[i]);
  for (let i = 0; i < rule.operations.length; i++) {
    const to = rule.operations[i];
    const direction = MESSAGE_DIRECTIONS[to.direction];
    const targets = shown("tools", to.tools) + shown("prompts", to.prompts) + shown("resources", to.resources);
    traceItem("access", "to " + direction + shown("methods", to.methods) + targets + shown("servers", to.servers));
  }
  for (let i = 0; i < rule.conditions.length; i++) {
    const condition = rule.conditions[i];
    const isArgument = condition.key == ConditionKey.Argument;
    const isVersion = condition.key == ConditionKey.ProtocolVersion;
    const key = isArgument ? "argument " + condition.path.join("/") : isVersion ? "version" : "client";
    const numbers = shown("integers", condition.matches[ScalarKind.Number]);
    const booleans = shown("booleans", condition.matches[ScalarKind.Boolean]);
    traceItem("access", "when " + key + shown("like", condition.text) + numbers + booleans);
  }
}

function traceSource(from: SourceConfig): void {
  const texts =
    shown("principals", from.principals) + shown("domains", from.trustDomains) + shown("ips", from.ipBlocks);
  let claims = "";
  for (let i = 0; i < from.claims.length; i++) claims += shown(from.claims[i].path.join("/"), from.claims[i].match);
  traceItem("access", "from" + (from.isAnonymous ? " nobody" : "") + texts + claims);
}

function shown(name: string, match: TextMatch): string {
  if (match.isEmpty) return "";
  const others = match.notValues.length ? " not " + match.notValues.join(",") : "";
  return " " + name + " " + match.values.join(",") + others;
}
