import { ConditionConfig, DenialForm, OperationConfig, RuleMode, SourceConfig } from "../rules/rule_config";
import { PinsConfig } from "./pins_config";

/** What a rule, or the policy where none decides, says of a message. */
export enum RuleAction {
  Allow,
  Deny,
}

export const RULE_ACTIONS: string[] = ["ALLOW", "DENY"];

export class RuleConfig {
  name: string = "";
  action: RuleAction = RuleAction.Allow;
  mode: RuleMode = RuleMode.Enforce;
  /** What the rule's denials say beside its name; empty for nothing. */
  hint: string = "";
  /** One of them must hold; none: whoever it is. */
  sources: SourceConfig[] = [];
  /** One of them must hold; none: whatever it is, from client to server. */
  operations: OperationConfig[] = [];
  /** All of them must hold. */
  conditions: ConditionConfig[] = [];
}

/** The configuration's `access`: docs/access.md says what the fields do. */
export class AccessConfig {
  mode: RuleMode = RuleMode.Enforce;
  defaultAction: RuleAction = RuleAction.Deny;
  /** Lists show callers only what they may use. */
  filtersLists: bool = true;
  rules: RuleConfig[] = [];
  denialForm: DenialForm = DenialForm.Error;
  denialStatus: i32 = 403;
  /** Origins whose pages may read a denial; `*` for all. */
  denialCors: string[] = [];
  auditPerSecond: i32 = 10;
  auditArguments: bool = false;
  /** Definitions of tools that were approved: at most one for a server. */
  pins: PinsConfig[] = [];
  /** It stands for one that could not be read. */
  isClosed: bool = false;
  /** Of a closed one: `match.paths` could not be read either, so that MCP may be on any path. */
  isAboutAnyPath: bool = false;
}
