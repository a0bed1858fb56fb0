import { ConditionConfig, DenialForm, OperationConfig, RuleMode, SourceConfig } from "../rules/rule_config";
import { PinsConfig } from "./pins_config";

/** What a rule, or the default, decides about a message. */
export enum RuleAction {
  Allow,
  Deny,
}

export const RULE_ACTIONS: string[] = ["ALLOW", "DENY"];

export class RuleConfig {
  name: string = "";
  action: RuleAction = RuleAction.Allow;
  mode: RuleMode = RuleMode.Enforce;
  /** Text that denials show in addition to the rule's name; empty for none. */
  hint: string = "";
  /** One of them must match; if empty, the rule covers all callers. */
  sources: SourceConfig[] = [];
  /** One of them must match; if empty, the rule covers all messages from client to server. */
  operations: OperationConfig[] = [];
  /** All of them must hold. */
  conditions: ConditionConfig[] = [];
}

/** The configuration's `access`. docs/access.md explains the fields. */
export class AccessConfig {
  mode: RuleMode = RuleMode.Enforce;
  defaultAction: RuleAction = RuleAction.Deny;
  /** Lists show callers only the elements that they may use. */
  filtersLists: bool = true;
  rules: RuleConfig[] = [];
  denialForm: DenialForm = DenialForm.Error;
  denialStatus: i32 = 403;
  /** Origins whose web pages may read a denial; `*` for all. */
  denialCors: string[] = [];
  auditPerSecond: i32 = 10;
  auditArguments: bool = false;
  /** Approved tool definitions: at most one entry per server. */
  pins: PinsConfig[] = [];
  /** The object stands for an access policy that could not be read. */
  isClosed: bool = false;
  /** For a closed policy: `match.paths` could not be read either, so that MCP may be on any path. */
  isAboutAnyPath: bool = false;
}
