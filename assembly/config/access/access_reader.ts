import { HoldConfig } from "../rules/hold_config";
import { readMaxBodyBytes } from "../rules/hold_reader";
import { IdentityConfig } from "../rules/identity_config";
import { IDENTITY_FIELDS, readIdentityField } from "../rules/identity_reader";
import { MethodScope } from "../rules/method_checks";
import { OperationReader } from "../rules/operation_reader";
import { DENIAL_FORMS, RULE_MODES } from "../rules/rule_config";
import { RuleNames } from "../rules/rule_names";
import { SourceReader } from "../rules/source_reader";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";
import { anyOf } from "../values/shown";
import { AccessConfig, RULE_ACTIONS, RuleAction, RuleConfig } from "./access_config";
import { ConditionReader } from "./condition_reader";
import { PinsReader } from "./pins_reader";
import { PolicyChecks } from "./policy_checks";

/** Maximum number of rules. Each has a label value of its own. */
const MAX_RULES: i32 = 120;
const MAX_AUDIT: i32 = 1000;
const MAX_ORIGINS: i32 = 32;
/** Maximum length in bytes of a rule's hint. */
const MAX_HINT: i32 = 200;
const HINT_FORM = "a string of 1 to 200 bytes without control characters";

const FIELDS: string[] = [
  "mode",
  "defaultAction",
  "lists",
  "rules",
  "principalSources",
  "jwtPayloadKey",
  "holdHeaders",
  "maxBodyBytes",
  "denial",
  "audit",
  "pins",
];
/** What happens to list elements that the caller may not use. */
const LIST_TREATMENTS: string[] = ["filter", "pass"];
const DENIAL_FIELDS: string[] = ["form", "status", "cors"];
const AUDIT_FIELDS: string[] = ["perSecond", "arguments"];
const RULE_FIELDS: string[] = ["name", "action", "mode", "hint", "from", "to", "when"];

/**
 * Reads `access`. Everything that is not understood is an error here: if ignored, it could open what was meant to be
 * closed.
 */
export class AccessReader {
  private config: AccessConfig = new AccessConfig();
  private conditions: ConditionReader;
  private isSound: bool = false;

  /** `identity` and `hold` are separate sections whose fields may also be in `access`. */
  constructor(
    private identity: IdentityConfig,
    private hold: HoldConfig,
    private problems: Problems,
  ) {
    this.conditions = new ConditionReader(problems);
  }

  read(value: JsonValue): AccessConfig {
    const before = this.problems.errors.length;
    if (this.problems.isObject("access", value)) {
      for (let i = 0; i < value.items.length; i++) this.readField(value.names[i], value.items[i]);
    }
    this.conditions.finish();
    this.isSound = this.problems.errors.length == before;
    return this.config;
  }

  /** Checks what was read. Called after all sections have been read. */
  check(): void {
    // A section with errors is not checked, because the defaults in place of the invalid values would be checked
    // instead.
    if (this.isSound) new PolicyChecks(this.config, this.identity, this.problems).check();
  }

  private readField(name: string, value: JsonValue): void {
    const config = this.config;
    const problems = this.problems;
    const path = "access." + name;
    if (name == "mode") {
      config.mode = problems.word(path, value, RULE_MODES, config.mode);
    } else if (name == "defaultAction") {
      config.defaultAction = problems.word(path, value, RULE_ACTIONS, config.defaultAction);
    } else if (name == "lists") {
      config.filtersLists = problems.word(path, value, LIST_TREATMENTS, 0) == 0;
    } else if (name == "rules") {
      this.readRules(path, value);
    } else if (IDENTITY_FIELDS.includes(name)) {
      readIdentityField(path, name, value, this.identity, problems);
    } else if (name == "holdHeaders") {
      this.hold.headers = problems.boolean(path, value, this.hold.headers);
    } else if (name == "maxBodyBytes") {
      readMaxBodyBytes(path, value, this.hold, problems);
    } else if (name == "denial") {
      if (!problems.isObject(path, value)) return;
      for (let i = 0; i < value.items.length; i++) this.readDenial(value.names[i], value.items[i]);
    } else if (name == "audit") {
      if (!problems.isObject(path, value)) return;
      for (let i = 0; i < value.items.length; i++) this.readAudit(value.names[i], value.items[i]);
    } else if (name == "pins") {
      config.pins = new PinsReader(problems).read(path, value);
    } else {
      problems.refused("access", name, FIELDS);
    }
  }

  private readDenial(name: string, value: JsonValue): void {
    const config = this.config;
    const path = "access.denial." + name;
    if (name == "form") config.denialForm = this.problems.word(path, value, DENIAL_FORMS, config.denialForm);
    else if (name == "status") config.denialStatus = this.problems.integer(path, value, 400, 599, config.denialStatus);
    else if (name == "cors") this.readOrigins(path, value);
    else this.problems.refused("access.denial", name, DENIAL_FIELDS);
  }

  private readOrigins(path: string, value: JsonValue): void {
    const problems = this.problems;
    problems.atMost(path, MAX_ORIGINS, "origins", value);
    const origins = problems.texts(path, value);
    for (let i = 0; i < origins.length; i++) {
      if (isOrigin(origins[i]) || value.items[i].type != JsonType.String) continue;
      problems.expected(itemPath(path, i), 'an origin like "https://app.example:8443", or "*"', value.items[i]);
    }
    this.config.denialCors = origins;
  }

  private readAudit(name: string, value: JsonValue): void {
    const config = this.config;
    const path = "access.audit." + name;
    if (name == "perSecond") {
      config.auditPerSecond = this.problems.integer(path, value, 0, MAX_AUDIT, config.auditPerSecond);
    } else if (name == "arguments") {
      config.auditArguments = this.problems.boolean(path, value, config.auditArguments);
    } else {
      this.problems.refused("access.audit", name, AUDIT_FIELDS);
    }
  }

  private readRules(path: string, value: JsonValue): void {
    if (!this.problems.isArray(path, "an array of rules", value)) return;
    const rules = this.config.rules;
    const names = new RuleNames(this.problems);
    this.problems.atMost(path, MAX_RULES, "rules", value);
    for (let i = 0; i < value.items.length; i++) {
      const rule = this.readRule(itemPath(path, i), value.items[i], names);
      names.add(itemPath(path, i), rule.name);
      rules.push(rule);
    }
  }

  private readRule(path: string, value: JsonValue, names: RuleNames): RuleConfig {
    const rule = new RuleConfig();
    const problems = this.problems;
    if (!problems.isObject(path, value)) return rule;
    let hasName = false;
    let hasAction = false;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      const at = path + "." + name;
      if (name == "name") {
        hasName = true;
        rule.name = names.read(path, item);
      } else if (name == "action") {
        rule.action = problems.word(at, item, RULE_ACTIONS, rule.action);
        hasAction = true;
      } else if (name == "mode") {
        rule.mode = problems.word(at, item, RULE_MODES, rule.mode);
      } else if (name == "hint") {
        rule.hint = this.readHint(at, item);
      } else if (name == "from") {
        new SourceReader(problems).readAll(at, item, rule.sources);
      } else if (name == "to") {
        new OperationReader(problems, MethodScope.Messages).readAll(at, item, rule.operations);
      } else if (name == "when") {
        this.conditions.readAll(at, item, rule.conditions);
      } else {
        problems.refused(path, name, RULE_FIELDS);
      }
    }
    if (!hasName) names.miss(path);
    if (!hasAction) problems.error(path + ".action", "expected " + anyOf(RULE_ACTIONS));
    if (rule.hint.length && hasAction && rule.action == RuleAction.Allow) {
      problems.error(path + ".hint", "only denials show a hint, and this rule allows");
    }
    return rule;
  }

  private readHint(path: string, value: JsonValue): string {
    const text = value.type == JsonType.String && !value.isCut ? value.text : "";
    if (isHint(text)) return text;
    this.problems.expected(path, HINT_FORM, value);
    return "";
  }
}

/**
 * Whether a hint can be shown to models and people: it has no control characters (Unicode's category Cc) or line
 * separators.
 */
function isHint(text: string): bool {
  const size = String.UTF8.byteLength(text);
  if (size == 0 || size > MAX_HINT) return false;
  for (let i = 0; i < text.length; i++) {
    const codeUnit = text.charCodeAt(i);
    if (codeUnit < 0x20 || (codeUnit >= 0x7f && codeUnit < 0xa0) || codeUnit == 0x2028 || codeUnit == 0x2029)
      return false;
  }
  return true;
}

/**
 * Whether a text is an origin in the form that browsers send (WHATWG HTML, "serialization of an origin"), or `*` for
 * all: a scheme, `://`, a host and an optional port, in lower case and without a slash at the end.
 */
function isOrigin(text: string): bool {
  if (text == "*") return true;
  const host = text.indexOf("://") + 3;
  if (host < 4 || host == text.length) return false;
  for (let i = 0; i < host - 3; i++) {
    const code = text.charCodeAt(i);
    const isLetterOrDigit = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
    if (!isLetterOrDigit && code != 0x2b && code != 0x2d && code != 0x2e) return false;
  }
  for (let i = host; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isUpper = code >= 0x41 && code <= 0x5a;
    // Visible ASCII without `/` and `*`.
    if (code < 0x21 || code > 0x7e || isUpper || code == 0x2f || code == 0x2a) return false;
  }
  return true;
}
