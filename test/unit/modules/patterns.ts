import { TextMatch } from "../../../assembly/config/rules/rule_config";
import { ClientConditions } from "../../../assembly/access/policy/client_conditions";
import { Match } from "../../../assembly/rules/match/match";
import { Patterns } from "../../../assembly/rules/match/pattern";

export { allocate } from "./common/allocate";

let text: TextMatch = new TextMatch();
let patterns: Patterns = new Patterns(text);
let conditions: ClientConditions = new ClientConditions();

/** Starts a list of values and excluded values. */
export function begin(): void {
  text = new TextMatch();
}

export function value(at: usize, length: i32): void {
  text.values.push(String.UTF8.decodeUnsafe(at, length));
}

export function notValue(at: usize, length: i32): void {
  text.notValues.push(String.UTF8.decodeUnsafe(at, length));
}

/** Ends the list. */
export function end(): void {
  patterns = new Patterns(text);
}

export function match(at: usize, length: i32, isCut: bool): Match {
  return patterns.match(at, length, isCut);
}

export function matchNothing(): Match {
  return patterns.matchNothing();
}

/** Starts conditions on clients' names. */
export function beginConditions(): void {
  conditions = new ClientConditions();
}

/** Adds the current list to the conditions. Returns its index. */
export function addCondition(): i32 {
  return conditions.add(patterns, text);
}

/** The stored result of matching a name with each condition. */
export function conditionMatches(at: usize, length: i32): u64 {
  return conditions.matches(at, length);
}

export function conditionHash(): u64 {
  return conditions.hash;
}
