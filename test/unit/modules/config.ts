import { AccessConfig, RULE_ACTIONS, RuleConfig } from "../../../assembly/config/access/access_config";
import { PIN_MODES, PinsConfig } from "../../../assembly/config/access/pins_config";
import { ConfigReader } from "../../../assembly/config/config_reader";
import {
  KEY_PARTS,
  KeyPart,
  KeyPartConfig,
  LimitsConfig,
  RateConfig,
} from "../../../assembly/config/limits/limits_config";
import { HoldConfig } from "../../../assembly/config/rules/hold_config";
import { PRINCIPAL_SOURCES } from "../../../assembly/config/rules/identity_config";
import {
  ConditionKey,
  DENIAL_FORMS,
  MESSAGE_DIRECTIONS,
  OperationConfig,
  RULE_MODES,
  ScalarKind,
  SourceConfig,
  TextMatch,
} from "../../../assembly/config/rules/rule_config";
import { TraceConfig, TraceEncoding, TraceParent } from "../../../assembly/config/trace_config";

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
  traceNumber("responseHeaders", config.responseHeaders ? 1 : 0);
  traceNumber("logLevel", config.logLevel);
  const sources = config.identity.principalSources.map<string>((source) => PRINCIPAL_SOURCES[source]).join(" ");
  traceText("identity", "principals " + sources + ", payload " + config.identity.jwtPayloadKey);
  traceText("hold", describeHold(config.hold));
  const access = config.access;
  if (access) traceAccess(access);
  const limits = config.limits;
  if (limits) traceLimits(limits);
  const trace = config.trace;
  if (trace) traceTrace(trace);
  traceItems("matchPaths", config.matchPaths);
  traceItems("tools", config.tools);
  traceItems("callerHeaders", config.callerHeaders);
  traceItems("errors", reader.errors);
  traceItems("warnings", reader.warnings);
}

function traceItems(field: string, items: string[]): void {
  for (let i = 0; i < items.length; i++) traceItem(field, items[i]);
}

function describeHold(hold: HoldConfig): string {
  const body = (hold.headers ? "headers, " : "") + "bodies of " + hold.maxBodyBytes.toString() + " bytes, ";
  return body + hold.maxStreams.toString() + " streams, " + hold.maxBytes.toString() + " bytes";
}

/** Describes the policy, one line for each part. */
function traceAccess(access: AccessConfig): void {
  traceItem("access", "mode " + RULE_MODES[access.mode] + ", else " + RULE_ACTIONS[access.defaultAction]);
  traceItem("access", "denies by " + DENIAL_FORMS[access.denialForm] + " " + access.denialStatus.toString());
  if (access.denialCors.length) traceItem("access", "denials for pages of " + access.denialCors.join(" "));
  traceItem("access", "audits " + access.auditPerSecond.toString() + (access.auditArguments ? " with arguments" : ""));
  for (let i = 0; i < access.pins.length; i++) tracePins(access.pins[i]);
  for (let i = 0; i < access.rules.length; i++) traceRule(access.rules[i]);
}

function tracePins(pins: PinsConfig): void {
  const servers = pins.servers.length ? pins.servers.join(",") : "all servers";
  traceItem("access", "pins of " + servers + " " + PIN_MODES[pins.mode]);
  for (let i = 0; i < pins.tools.length; i++) traceItem("access", "pin " + pins.tools[i] + " " + pins.pins[i]);
}

function traceRule(rule: RuleConfig): void {
  traceItem("access", "rule " + rule.name + " " + RULE_ACTIONS[rule.action] + " " + RULE_MODES[rule.mode]);
  traceMatches("access", rule.sources, rule.operations);
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

/** Describes the limits, one line for each part. */
function traceLimits(limits: LimitsConfig): void {
  const adaptive = ", adaptive " + RULE_MODES[limits.adaptive.mode];
  traceItem("limits", "mode " + RULE_MODES[limits.mode] + adaptive + ", " + limits.maxKeys.toString() + " keys");
  for (let i = 0; i < limits.rules.length; i++) {
    const rule = limits.rules[i];
    traceItem("limits", "rule " + rule.name + " " + RULE_MODES[rule.mode] + " denies by " + DENIAL_FORMS[rule.form]);
    traceMatches("limits", rule.sources, rule.operations);
    traceItem("limits", "key " + rule.key.map<string>((part) => describePart(part)).join(" "));
    traceRate("requests", rule.requests);
    traceRate("tokens", rule.tokens);
    if (rule.tokens) traceItem("limits", "kinds " + rule.tokenKinds.toString());
    if (rule.concurrency) traceItem("limits", "concurrency " + rule.concurrency.toString());
    traceRate("repeats", rule.repeats);
    const queue = rule.queue;
    if (queue) {
      const wait = "queue " + queue.maxWaitMs.toString() + " ms, " + queue.maxLength.toString();
      traceItem("limits", wait + " requests");
    }
  }
}

/** Describes the trace settings, one line for each part. */
function traceTrace(trace: TraceConfig): void {
  const encoding = trace.encoding == TraceEncoding.Protobuf ? "protobuf" : "json";
  traceItem("trace", "to " + trace.cluster + " at " + trace.path + " of " + trace.authority + " as " + encoding);
  const kept = (trace.keepErrors ? ", errors" : "") + ", slower than " + trace.keepSlowerMs.toString() + " ms";
  traceItem("trace", "sample " + (trace.sampleParent ? "parent, " : "") + trace.sampleRatio.toString() + kept);
  traceItem("trace", "parent " + (trace.parent == TraceParent.Meta ? "meta" : "header"));
  traceItem("trace", (trace.sessions ? "sessions" : "no sessions") + ", key " + trace.sessionKey);
  if (trace.setTraceparent) traceItem("trace", "sets traceparent");
  if (trace.headers.length) traceItem("trace", "headers " + trace.headers.join(" "));
  if (trace.resource.length) traceItem("trace", "resource " + trace.resource.join(" "));
}

function describePart(part: KeyPartConfig): string {
  return part.part == KeyPart.Claim ? part.claim.join("/") : KEY_PARTS[part.part];
}

function traceRate(name: string, rate: RateConfig | null): void {
  if (!rate) return;
  const amount = rate.amount.toString() + " per " + rate.periodMs.toString() + " ms";
  traceItem("limits", name + " " + amount + ", at most " + rate.burst.toString());
}

/** Describes the operations and callers of a rule. */
function traceMatches(field: string, sources: SourceConfig[], operations: OperationConfig[]): void {
  for (let i = 0; i < sources.length; i++) {
    const from = sources[i];
    const texts =
      shown("principals", from.principals) + shown("domains", from.trustDomains) + shown("ips", from.ipBlocks);
    let claims = "";
    for (let j = 0; j < from.claims.length; j++) claims += shown(from.claims[j].path.join("/"), from.claims[j].match);
    traceItem(field, "from" + (from.isAnonymous ? " nobody" : "") + texts + claims);
  }
  for (let i = 0; i < operations.length; i++) {
    const to = operations[i];
    const direction = MESSAGE_DIRECTIONS[to.direction];
    const targets = shown("tools", to.tools) + shown("prompts", to.prompts) + shown("resources", to.resources);
    traceItem(field, "to " + direction + shown("methods", to.methods) + targets + shown("servers", to.servers));
  }
}

function shown(name: string, match: TextMatch): string {
  if (match.isEmpty) return "";
  const others = match.notValues.length ? " not " + match.notValues.join(",") : "";
  return " " + name + " " + match.values.join(",") + others;
}
