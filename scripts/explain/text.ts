/** An explanation as lines of text. Everything from the request and the configuration is made printable. */
import { colors } from "../cli/colors.ts";
import { printable } from "../cli/terminal.ts";
import type { AccessReport, Refusal, RuleReport } from "./access.ts";
import type { Configuration, Rule } from "./configuration.ts";
import type { Answer, Asked, Explanation, MessageReport } from "./explain.ts";
import { elementsOf, parsed, textOf } from "./json.ts";
import type { KeyValue } from "./key.ts";
import type { LimitReport, Rate } from "./limits.ts";
import { expected, found, shown } from "./subject.ts";

/** The lines that explain a request. */
export function explanationLines({ messages }: Explanation, configuration: Configuration, asked: Asked): string[] {
  const { body } = asked;
  const texts = Array.isArray(parsed(body)) ? elementsOf(body) : [textOf(body)];
  return messages.flatMap((message, index) => [
    ...(index === 0 ? [] : [""]),
    ...decisionLines(message, configuration, asked),
    ...answerLines(message.answer),
    ...accessLines(message.access, configuration.access?.rules ?? [], { ...asked, body: texts[index] }),
    ...limitLines(message),
  ]);
}

function decisionLines(message: MessageReport, configuration: Configuration, { method, path }: Asked): string[] {
  const { access } = message;
  const request = message.method ?? (message.id === undefined ? `${method} ${path}` : "answer to the server");
  const id = message.id === undefined ? "" : ` (id ${shown(message.id)})`;
  const title = printable([request, message.target].filter((text) => text !== undefined).join(" "));
  const decision = (message.decision === "allowed" ? colors.green : colors.red)(message.decision);
  const isTrial = access?.mode === "shadow" && access.action === "deny";
  return [
    `${colors.bold(title)}${id}: ${decision}${reasonOf(message, configuration, path)}`,
    ...(isTrial
      ? [`  The policy is in shadow mode. Enforced, it would deny this: ${deniedBy(access, message.refusal)}.`]
      : []),
  ];
}

function reasonOf(
  { decision, rule, refusal, access }: MessageReport,
  configuration: Configuration,
  path: string,
): string {
  switch (decision) {
    case "held":
      return ", because the filter waits for more of the request";
    case "limited":
      return ` by ${rule}`;
    case "refused":
      return `: ${Object.values(refusal ?? {})
        .map(printable)
        .join(", ")}`;
    case "denied":
      return access === undefined ? "" : `: ${deniedBy(access, refusal)}`;
    case "allowed":
      if (configuration.access === undefined) return ": the configuration has no access policy";
      if (access === undefined) return ": it brings no message that a policy could decide";
      if (rule === "_unchecked") return `: match.paths does not name ${printable(path)}, so no policy applies`;
      if (access.action === "deny") return ", in spite of the policy";
      return rule === "_default" ? ": no rule applies, and defaultAction allows it" : ` by ${rule}`;
  }
}

function deniedBy({ rule }: AccessReport, refusal: Refusal | undefined): string {
  if (rule === "_default") return "no rule applies";
  if (rule === "_pin") return "the tool has no pin (_pin)";
  return refusal === undefined ? `rule ${rule}` : `it is refused as ${refusal.reason}`;
}

function answerLines(answer: Answer | undefined): string[] {
  if (answer === undefined) return [];
  const headers = Object.entries(answer.headers).filter(([name]) => name !== "content-type");
  return [
    `  The client receives HTTP ${answer.status}${headers.map(([name, value]) => `, ${name}: ${value}`).join("")}`,
    ...(answer.body === null ? [] : [`  ${shown(answer.body)}`]),
  ];
}

function accessLines(access: AccessReport | undefined, rules: readonly Rule[], asked: Asked): string[] {
  if (access === undefined || access.rules.length === 0) return [];
  const decider = access.rules.findIndex(({ decides }) => decides);
  const isShown = ({ mode }: RuleReport, index: number) => decider < 0 || index <= decider || mode === "shadow";
  const hidden = access.rules.filter((rule, index) => !isShown(rule, index)).length;
  return [
    "Rules of access, in order:",
    ...access.rules.flatMap((report, index) => (isShown(report, index) ? ruleLines(report, rules[index], asked) : [])),
    ...(hidden === 0 ? [] : [`  ${hidden} more: not asked`]),
  ];
}

function ruleLines(report: RuleReport, rule: Rule, asked: Asked): string[] {
  const { name, action, mode, applies, decides, parts, missed } = report;
  const isShadow = mode === "shadow";
  const effect = !applies ? "does not apply" : decides ? "applies and decides" : "applies";
  const open = applies && action === "DENY" ? Object.keys(parts).filter((path) => parts[path] === "unknown") : [];
  const lines = [...missed, ...open].map((path) => {
    const unknown = parts[path] === "unknown" ? "; cannot be determined" : "";
    return `    ${path}: expected ${expected(rule, path)}, got ${found(rule, path, asked)}${unknown}`;
  });
  const title = `${name} (${action}${isShadow ? ", shadow: decides nothing" : ""}) ${effect}`;
  return [`  ${decides ? colors.bold(title) : title}${lines.length > 0 ? ":" : ""}`, ...lines];
}

function limitLines({ limits, isAdaptive }: MessageReport): string[] {
  if (limits.length === 0 && !isAdaptive) return [];
  return [
    "Limits that apply:",
    ...limits.flatMap(ruleOfLimits),
    ...(isAdaptive ? ["  _adaptive: as many calls at a time as the server can process"] : []),
  ];
}

function ruleOfLimits({ name, mode, key, requests, tokens, concurrency, repeats, queue }: LimitReport): string[] {
  const amounts = [
    ...(requests === undefined ? [] : [rateText(requests, "requests")]),
    ...(tokens === undefined ? [] : [`${rateText(tokens, "tokens")} (${tokens.kinds.join(", ")})`]),
    ...(concurrency === undefined ? [] : [`${concurrency} at a time`]),
    ...(repeats === undefined ? [] : [rateText(repeats, "calls with the same arguments")]),
    ...(queue === undefined ? [] : [`others wait up to ${queue.maxWait}, in a queue of at most ${queue.maxLength}`]),
  ];
  return [
    `  ${name}${mode === "shadow" ? " (shadow: rejects nothing)" : ""}: ${amounts[0]}`,
    ...amounts.slice(1).map((amount) => `    ${amount}`),
    ...(key.length === 0 ? ["    for all requests together"] : key.map((value) => `    for each ${keyText(value)}`)),
  ];
}

function rateText({ amount, per, burst }: Rate, what: string): string {
  return `${amount} ${what} in ${per}, at most ${burst} at once`;
}

function keyText({ part, value }: KeyValue): string {
  const name = typeof part === "string" ? part : `claim ${part.claim.join(".")}`;
  if (value === null) return `${printable(name)}: unknown, so it is shared with all others without one`;
  const note = part === "tool" ? ", once the server has listed it or a call of it has succeeded" : "";
  return `${printable(name)}: ${shown(value)}${note}`;
}
