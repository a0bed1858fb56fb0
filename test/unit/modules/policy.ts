import { stand } from "../../../assembly/access/stage/list_rights";
import { ListKind } from "../../../assembly/edit/response/list_kind";
import { RuleInput, Use } from "../../../assembly/rules/message/rule_input";
import { Caller } from "../../../assembly/identity/caller";
import { RequestState } from "../../../assembly/rules/request_state";
import { Explanation } from "../../../assembly/access/report/explanation";
import { Outlook, Policy } from "../../../assembly/access/policy/policy";
import { Principals } from "../../../assembly/identity/principals";
import { MessageForm, Reading, StrictReader } from "../../../assembly/rules/message/strict_reader";
import { AccessConfig, RuleAction } from "../../../assembly/config/access/access_config";
import { HoldConfig } from "../../../assembly/config/rules/hold_config";
import { IdentityConfig } from "../../../assembly/config/rules/identity_config";
import { ConfigReader } from "../../../assembly/config/config_reader";
import { Properties } from "../../../assembly/host/properties";
import { JsonWriter } from "../../../assembly/json/writer";
import { Bytes } from "../../../assembly/memory/bytes";

export { allocate } from "./common/allocate";

/** No rule is evaluated for a refused message. */
const REFUSED: i32 = -9;

/** Attributes that the test sets, by their paths. */
class TestProperties extends Properties {
  private values: Map<string, Bytes> = new Map<string, Bytes>();

  clear(): void {
    this.values.clear();
  }

  set(path: string, value: Bytes): void {
    this.values.set(path, value);
  }

  find(path: string): bool {
    this.isThere = this.values.has(path);
    this.isMissing = !this.isThere;
    if (!this.isThere) return false;
    const value = this.values.get(path);
    this.at = value.at;
    this.length = value.length;
    return this.length > 0;
  }

  findSegments(path: string): bool {
    return this.find(path.split("\0").join("/"));
  }
}

const properties: TestProperties = new TestProperties();
const caller: Caller = new Caller();
const input: RuleInput = new RuleInput();
const matches: usize = heap.alloc(128);
const asked: usize = heap.alloc(64);
let askedLength: i32 = 0;
let policy: Policy = new Policy(new AccessConfig(), new IdentityConfig(), new HoldConfig());
let principals: Principals = new Principals(new IdentityConfig(), properties);
let explanation: Explanation = new Explanation(policy, properties);
const state: RequestState = RequestState.acquire();
const writer: JsonWriter = new JsonWriter();

/** Reads a policy from a configuration. False if it is invalid. */
export function configure(at: usize, length: i32): bool {
  const reader = new ConfigReader();
  reader.read(at, length);
  const access = reader.config.access;
  if (!access) return false;
  // Rules that never match are errors in a configuration, but can be evaluated.
  for (let i = 0; i < reader.errors.length; i++) {
    if (!reader.errors[i].includes("never matches")) return false;
  }
  const identity = reader.config.identity;
  policy = new Policy(access, identity, new HoldConfig());
  principals = new Principals(identity, properties);
  explanation = new Explanation(policy, properties);
  return true;
}

/** Starts another request without any attributes. */
export function begin(): void {
  properties.clear();
  input.isAnswer = false;
  input.setServer(0, 0);
  input.setRevision("", false);
  input.knowsClient = false;
  askedLength = 0;
}

/** Sets an attribute: its path, of `pathLength` bytes with slashes, and its value. */
export function property(at: usize, length: i32, pathLength: i32): void {
  const value = Bytes.copy(at + pathLength, length - pathLength);
  properties.set(String.UTF8.decodeUnsafe(at, pathLength), value);
}

export function server(at: usize, length: i32): void {
  input.setServer(at, length);
}

export function revision(at: usize, length: i32): void {
  input.setRevision(String.UTF8.decodeUnsafe(at, length), false);
}

/** Sets the client's name in its session. */
export function client(at: usize, length: i32): void {
  input.knowsClient = true;
  input.clientMatches = policy.clients.matches(at, length);
}

/** Sets the method of the server's request to which the message responds. */
export function answers(at: usize, length: i32): void {
  memory.copy(asked, at, length);
  askedLength = length;
}

/** Determines the caller, with this `x-forwarded-client-cert`. Returns whether all its messages are allowed. */
export function isAllowedBefore(at: usize, length: i32): bool {
  principals.find(caller, at, length);
  state.keepPrincipal(caller);
  return policy.outlook(caller, properties, input, matches) == Outlook.Allowed;
}

/** The index of the rule that decides about the message; -1 for the default, -9 if the message is refused. */
export function decide(at: usize, length: i32): i32 {
  const reader = StrictReader.acquire(policy.keys.message);
  reader.feed(at, length);
  let rule = REFUSED;
  if (reader.next() == Reading.Message) {
    if (reader.form == MessageForm.Response) input.setAnswer(reader, asked, askedLength);
    else input.setRequest(reader);
    rule = policy.decide(matches, input);
  }
  reader.release();
  return rule;
}

/** Whether the latest decision is a denial. */
export function isDenial(rule: i32): bool {
  return policy.actionOf(rule, input) == RuleAction.Deny;
}

/** Whether the caller sees an element with this name in a list of this kind. */
export function lists(kind: i32, at: usize, length: i32): bool {
  const use = kind == ListKind.ResourceTemplates ? Use.Template : Use.Element;
  stand(input, kind, use, at, length, false);
  return policy.actionOf(policy.decide(matches, input), input) == RuleAction.Allow;
}

/** Whether a list of this kind may hide elements from this caller, or from any caller. */
export function mayHide(kind: i32, fromCaller: bool): bool {
  stand(input, kind, Use.AnyElement, 0, 0, false);
  return policy.mayDeny(fromCaller ? matches : 0, input);
}

/** The rules that apply to the latest message, as bits, including dry-run rules. */
export function applying(): u32 {
  let bits: u32 = 0;
  for (let i = 0; i < policy.rules.length; i++) {
    if (policy.appliesTo(i, matches, input)) bits |= 1 << i;
  }
  return bits;
}

/** Starts the explanation of the latest decision. */
export function explain(): void {
  caller.clear();
  explanation.begin(state, input);
}

/** The index of the nearest ALLOW rule before the deciding one; -1 if there is none. */
export function nearest(decidedBy: i32): i32 {
  return explanation.nearestAllow(decidedBy);
}

/** Whether the rule matches: 0 no, 1 unknown, 2 yes. */
export function matchOf(rule: i32): i32 {
  return explanation.match(rule);
}

/** The part that prevents a match of the rule; empty if it matches. */
export function failed(rule: i32): string {
  writer.clear();
  explanation.writeFailed(rule, writer);
  return String.UTF8.decodeUnsafe(writer.at, writer.length);
}

/** How each part of the rule matches, as JSON. */
export function parts(rule: i32): string {
  writer.clear();
  writer.raw("{");
  explanation.writeParts(rule, writer);
  writer.raw("}");
  return String.UTF8.decodeUnsafe(writer.at, writer.length);
}
