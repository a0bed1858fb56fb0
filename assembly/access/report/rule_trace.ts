import { RuleAction } from "../../config/access/access_config";
import { RuleMode } from "../../config/rules/rule_config";
import { Level, Log } from "../../host/log";
import { JsonWriter } from "../../json/writer";
import { Call } from "../../rules/message/call";
import { CheckedRequest } from "../../rules/checked_request";
import { Explanation } from "./explanation";

/** Writes at log level trace, for each decided message, a line of JSON for each rule: which of its parts match. */
export class RuleTrace {
  private writer: JsonWriter = new JsonWriter();

  constructor(
    private explanation: Explanation,
    private log: Log,
  ) {}

  get isEnabled(): bool {
    return this.log.level == Level.Trace;
  }

  /** Writes the lines of a message that `decidedBy` has decided: the index of a rule, or DEFAULT_RULE. */
  decided(check: CheckedRequest, call: Call, decidedBy: i32): void {
    this.explanation.begin(check, call);
    for (let i = 0; i < this.explanation.policy.rules.length; i++) this.writeRule(check, call, i, i == decidedBy);
  }

  private writeRule(check: CheckedRequest, call: Call, index: i32, decides: bool): void {
    const rule = this.explanation.policy.rules[index];
    const writer = this.writer;
    writer.clear();
    writer.raw('{"event":"mcp_access_rule","rule":"');
    writer.raw(rule.name);
    writer.raw(rule.action == RuleAction.Allow ? '","action":"ALLOW"' : '","action":"DENY"');
    writer.raw(rule.mode == RuleMode.Shadow ? ',"mode":"shadow"' : ',"mode":"enforce"');
    writer.raw(rule.applies(this.explanation.match(index)) ? ',"applies":true' : ',"applies":false');
    writer.raw(decides ? ',"decides":true' : ',"decides":false');
    writer.bytesMember("request_id", check.requestId, check.requestIdLength);
    writer.bytesMember("method", call.method, call.methodLength);
    writer.raw(',"parts":{');
    this.explanation.writeParts(index, writer);
    writer.raw("}}");
    this.log.writeBytes(Level.Trace, writer.at, writer.length);
  }
}
