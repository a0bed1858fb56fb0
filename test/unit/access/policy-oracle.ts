/** An independent implementation of policies, from their description: for comparison, not for speed. */
import { BlockList, isIPv6 } from "node:net";

import type { Asked } from "./policy.ts";

/** Whether a condition holds; unknown if it is undetermined. */
export type Told = "no" | "unknown" | "yes";

export interface Rule {
  readonly name: string;
  readonly action: "ALLOW" | "DENY";
  readonly mode?: "enforce" | "shadow";
  readonly from?: readonly { source: Source }[];
  readonly to?: readonly { operation: Operation }[];
  readonly when?: readonly Condition[];
}

export interface Source {
  readonly principals?: string[];
  readonly notPrincipals?: string[];
  readonly trustDomains?: string[];
  readonly notTrustDomains?: string[];
  readonly ipBlocks?: string[];
  readonly notIpBlocks?: string[];
  readonly claims?: { path: string[]; values?: string[]; notValues?: string[] }[];
  readonly anonymous?: boolean;
}

export interface Operation {
  readonly methods?: string[];
  readonly notMethods?: string[];
  readonly tools?: string[];
  readonly notTools?: string[];
  readonly prompts?: string[];
  readonly notPrompts?: string[];
  readonly resources?: string[];
  readonly notResources?: string[];
  readonly servers?: string[];
  readonly notServers?: string[];
  readonly direction?: "client_to_server" | "server_to_client";
}

export type Scalar = string | number | boolean;

export interface Condition {
  readonly key: string;
  readonly values?: Scalar[];
  readonly notValues?: Scalar[];
}

export interface Message {
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

type Patterns = readonly Scalar[];
/** The text of an attribute; null if it is missing, undefined if it is undetermined. */
type Text = string | null | undefined;

export const ORDER: readonly Told[] = ["no", "unknown", "yes"];
export const all = (told: readonly Told[]): Told => ORDER[Math.min(2, ...told.map((each) => ORDER.indexOf(each)))];
const any = (told: Told[]): Told => ORDER[Math.max(0, ...told.map((each) => ORDER.indexOf(each)))];
const not = (told: Told): Told => ORDER[2 - ORDER.indexOf(told)];
const told = (is: boolean): Told => (is ? "yes" : "no");

/** The rules that apply to a request. */
export function applying(rules: readonly Rule[], asked: Asked): number[] {
  return rules.flatMap((rule, i) => {
    const match = all([sourcesOf(rule, asked), operationsOf(rule, asked), ...conditionsOf(rule, asked)]);
    return match === "yes" || (match === "unknown" && rule.action === "DENY") ? [i] : [];
  });
}

/** Whether a request is denied by the first enforced rule that applies, or by the default. */
export function isDenied(rules: readonly Rule[], defaultAction: "ALLOW" | "DENY", asked: Asked): boolean {
  const first = applying(rules, asked).find((i) => rules[i].mode !== "shadow");
  if (first !== undefined) return rules[first].action === "DENY";
  return defaultAction === "DENY" && !isAnswer(asked);
}

export function isAnswer({ message }: Asked): boolean {
  return !("method" in message);
}

function glob(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[^\w]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}

function match(values: Patterns | undefined, notValues: Patterns | undefined, text: Text): Told {
  if (values === undefined && notValues === undefined) return "yes";
  if (text === undefined) return "unknown";
  if (text === null) return values === undefined ? "unknown" : "no";
  const isOne = (patterns: Patterns) => told(patterns.some((pattern) => glob(String(pattern), text)));
  return all([values === undefined ? "yes" : isOne(values), not(isOne(notValues ?? []))]);
}

function sourcesOf({ from }: Rule, asked: Asked): Told {
  return from === undefined ? "yes" : any(from.map(({ source }) => sourceOf(source, asked)));
}

export function sourceOf(source: Source, { principal = "", address, claims = {} }: Asked): Told {
  const domain = /^spiffe:\/\/([^/]*)/.exec(principal)?.[1] ?? null;
  return all([
    source.anonymous ? told(principal === "") : "yes",
    match(source.principals, source.notPrincipals, principal || null),
    match(source.trustDomains, source.notTrustDomains, domain),
    address === undefined
      ? source.ipBlocks || source.notIpBlocks
        ? "unknown"
        : "yes"
      : told((!source.ipBlocks || isIn(source.ipBlocks, address)) && !isIn(source.notIpBlocks ?? [], address)),
    ...(source.claims ?? []).map(({ path, values, notValues }) => {
      const claim = claims[path[0]];
      if (claim === undefined || typeof claim === "string") return match(values, notValues, claim ?? null);
      return all([
        any(claim.map((element) => match(values, undefined, element))),
        all(claim.map((element) => match(undefined, notValues, element))),
      ]);
    }),
  ]);
}

function isIn(blocks: readonly string[], address: string): boolean {
  const ip = address.replace(/:\d+$/, "").replace(/[[\]]/g, "");
  return blocks.some((block) => {
    const [network, prefix = isIPv6(block) ? "128" : "32"] = block.split("/");
    if (isIPv6(network) !== isIPv6(ip)) return false;
    const list = new BlockList();
    list.addSubnet(network, Number(prefix), isIPv6(network) ? "ipv6" : "ipv4");
    return list.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");
  });
}

function operationsOf({ to, action }: Rule, asked: Asked): Told {
  // A caller that may do nothing may not respond either.
  if (to === undefined) return told(action === "DENY" || !isAnswer(asked));
  const direction = isAnswer(asked) ? "server_to_client" : "client_to_server";
  const about = to
    .map(({ operation }) => operation)
    .filter((operation) => (operation.direction ?? "client_to_server") === direction);
  return any(about.map((operation) => operationOf(operation, asked)));
}

const GROUPS: Record<string, string[]> = {
  "@handshake": ["initialize", "notifications/initialized", "ping", "server/discover"],
};

export function operationOf(operation: Operation, asked: Asked): Told {
  const message = asked.message as Message;
  const methods = (names?: string[]) => names?.flatMap((name) => GROUPS[name] ?? [name]);
  const [kind, target] = targetOf(message);
  const targets = (ofKind: string, values?: string[], notValues?: string[]): Told =>
    values === undefined && notValues === undefined
      ? "yes"
      : kind.includes(ofKind)
        ? match(values, notValues, target)
        : "no";
  return all([
    match(methods(operation.methods), methods(operation.notMethods), isAnswer(asked) ? asked.answers : message.method),
    targets("tool", operation.tools, operation.notTools),
    targets("prompt", operation.prompts, operation.notPrompts),
    targets("resource", operation.resources, operation.notResources),
    match(operation.servers, operation.notServers, asked.server),
  ]);
}

const objectOf = (value: unknown) =>
  (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
const textOf = (value: unknown): Text => (typeof value === "string" ? value : undefined);

export function targetOf({ method, params = {} }: Message): [kind: string, target: Text] {
  if (method === "tools/call") return ["tool", textOf(params.name)];
  if (method === "prompts/get") return ["prompt", textOf(params.name)];
  if (["resources/read", "resources/subscribe", "resources/unsubscribe"].includes(method ?? "")) {
    return ["resource", textOf(params.uri)];
  }
  if (method !== "completion/complete") return ["none", undefined];
  const { type, name, uri } = objectOf(params.ref);
  if (type === "ref/prompt" && uri === undefined) return ["prompt", textOf(name)];
  if (type === "ref/resource" && name === undefined) return ["resource", textOf(uri)];
  return ["prompt or resource", undefined];
}

export function conditionsOf({ when = [] }: Pick<Rule, "when">, asked: Asked): Told[] {
  return when.map((condition) => {
    const { key, values, notValues } = condition;
    if (!key.startsWith("mcp.arguments")) return match(values, notValues, conditionText(key, asked));
    const names = key.slice("mcp.arguments[".length, -1).split("][");
    return argumentMatch(condition, memberOf((asked.message as Message).params, ["arguments", ...names]));
  });
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

/** Whether a value of one type equals one of another type is undetermined. */
function argumentMatch({ values, notValues }: Condition, value: unknown): Told {
  if (value === undefined) return match(values, notValues, null);
  if (typeof value !== "string" && typeof value !== "boolean" && !isInteger(value)) return "unknown";
  const isOne = (patterns: Patterns) =>
    any(patterns.map((each) => (typeof each === typeof value ? match([each], undefined, String(value)) : "unknown")));
  return all([values === undefined ? "yes" : isOne(values), not(isOne(notValues ?? []))]);
}

function conditionText(key: string, { message, revision, client }: Asked): Text {
  const { method, params } = message as Message;
  const isVersion = key === "mcp.protocolVersion";
  if (!isVersion && method === "initialize") return textOf(memberOf(params, ["clientInfo", "name"]));
  const said = memberOf(params, ["_meta", `io.modelcontextprotocol/${isVersion ? "protocolVersion" : "clientInfo"}`]);
  if (said === UNCLEAR) return undefined;
  if (!isVersion) return said === undefined ? client : textOf(memberOf(said, ["name"]));
  // Older servers use the header, newer ones the body.
  if (said !== undefined) return said === revision ? revision : undefined;
  return method === "initialize" ? textOf(memberOf(params, ["protocolVersion"])) : revision;
}

/** Marks a value that cannot exist because something around it is not an object. */
const UNCLEAR = Symbol("unclear");

/** The value at a path; undefined if it is missing. */
function memberOf(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (at === undefined) return undefined;
    if (typeof at !== "object" || at === null || Array.isArray(at)) return UNCLEAR;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}
