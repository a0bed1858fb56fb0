import { MessageDirection, OperationConfig, TextMatch } from "../config/rules/rule_config";
import { RuleInput, Target } from "./message/rule_input";
import { Match } from "./match/match";
import { Patterns } from "./match/pattern";

/** The property of a message that a part of an operation rule is compared with. */
enum Field {
  Method,
  Target,
  Server,
}

/** One configured field of an operation rule. */
class OperationPart {
  constructor(
    readonly field: Field,
    readonly name: string,
    readonly patterns: Patterns,
  ) {}
}

/** The messages that a rule covers: one element of its `to`. */
export class OperationRule {
  readonly direction: MessageDirection;
  /** The kind of target that the message must name. */
  kind: Target = Target.None;
  /** The patterns of which the target must match one; null if there are none. */
  targets: Patterns | null = null;
  private parts: OperationPart[] = [];

  constructor(config: OperationConfig) {
    this.direction = config.direction;
    this.add(Field.Method, "methods", "notMethods", config.methods);
    this.addTargets(Target.Tool, "tools", "notTools", config.tools);
    this.addTargets(Target.Prompt, "prompts", "notPrompts", config.prompts);
    this.addTargets(Target.Resource, "resources", "notResources", config.resources);
    this.add(Field.Server, "servers", "notServers", config.servers);
  }

  /** Whether the result depends on the message body. */
  get needsBody(): bool {
    for (let i = 0; i < this.parts.length; i++) {
      if (this.parts[i].field != Field.Server) return true;
    }
    return false;
  }

  /** Whether the result depends on the server. */
  get needsServer(): bool {
    for (let i = 0; i < this.parts.length; i++) {
      if (this.parts[i].field == Field.Server) return true;
    }
    return false;
  }

  /** Whether the rule may cover messages of this method. */
  mayHaveMethod(at: usize, length: i32): bool {
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      if (part.field == Field.Method && part.patterns.match(at, length, false) == Match.No) return false;
    }
    return true;
  }

  /** The number of configured fields, apart from the direction. */
  get partCount(): i32 {
    return this.parts.length;
  }

  /** The configured name of a part: `methods`, `notTools`. */
  partName(part: i32): string {
    return this.parts[part].name;
  }

  /** Whether the rule needs a tool, prompt or resource, and the message names any of that kind. */
  namesKind(input: RuleInput): bool {
    return this.kind != Target.None && input.target == this.kind;
  }

  /** Whether all parts match a message of this direction. */
  match(input: RuleInput): Match {
    let match = Match.Yes;
    for (let i = 0; i < this.parts.length && match != Match.No; i++) match = min(match, this.matchPart(i, input));
    return match;
  }

  /** Whether the parts match that are known before the message is read, which are those about the server. */
  matchServer(input: RuleInput): Match {
    let match = Match.Yes;
    for (let i = 0; i < this.parts.length; i++) {
      if (unchecked(this.parts[i]).field == Field.Server) match = min(match, this.matchPart(i, input));
    }
    return match;
  }

  /** Whether the part of this index matches the message. */
  matchPart(index: i32, input: RuleInput): Match {
    const part = unchecked(this.parts[index]);
    switch (part.field) {
      case Field.Method:
        return input.matchMethod(part.patterns);
      case Field.Target:
        return input.matchTarget(this.kind, part.patterns);
      default:
        return input.matchServer(part.patterns);
    }
  }

  private addTargets(kind: Target, name: string, notName: string, texts: TextMatch): void {
    if (!texts.isEmpty) this.kind = kind;
    this.add(Field.Target, name, notName, texts);
    if (texts.values.length) this.targets = Patterns.oneOf(texts.values);
  }

  private add(field: Field, name: string, notName: string, texts: TextMatch): void {
    if (texts.values.length) this.parts.push(new OperationPart(field, name, Patterns.oneOf(texts.values)));
    if (texts.notValues.length) this.parts.push(new OperationPart(field, notName, Patterns.noneOf(texts.notValues)));
  }
}
