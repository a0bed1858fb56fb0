/** What the parts of rules are about: what a rule expects, and what the request has. */
import { printable } from "../cli/terminal.ts";
import type { Rule } from "./configuration.ts";
import type { Asked } from "./explain.ts";
import { member, parsed } from "./json.ts";
import { META_CLIENT, META_VERSION } from "./request.ts";

/** Number of values of a list that are shown. */
const SHOWN = 6;
const ARGUMENT = /\[([^\]]*)\]/g;

/** A condition, or one about a claim. */
interface Condition {
  readonly key?: string;
  readonly path?: readonly string[];
  readonly values?: readonly unknown[];
  readonly notValues?: readonly unknown[];
}

/** What a part of a rule expects, like `one of "get_*", "list_*"`; for a condition, with its key. */
export function expected(rule: Rule, path: string): string {
  const value = valueAt(rule, path);
  const name = nameOf(path);
  if (path === "to") return "an operation with the direction server_to_client";
  if (name === "direction") return `direction ${shown(value ?? "client_to_server")}`;
  if (name === "anonymous") return "no principal";
  if (Array.isArray(value)) return listed(name.startsWith("not") ? "none of" : "one of", value);
  const { key, path: claim, values, notValues } = value as Condition;
  const lists = [
    ...(values === undefined ? [] : [listed("one of", values)]),
    ...(notValues === undefined ? [] : [listed("none of", notValues)]),
  ];
  return `${key === undefined ? `claim ${shown(claim)}` : printable(key)} ${lists.join(" and ")}`;
}

/** What a request with one message has in the place of a part; `nothing` if it has no such value. */
export function found(rule: Rule, path: string, { caller, headers, body }: Asked): string {
  const message = parsed(body);
  const params = member(message, "params");
  const name = nameOf(path);
  const value = () => {
    switch (name.replace(/^not(.)/, (_, first: string) => first.toLowerCase())) {
      case "principals":
      case "anonymous":
      case "trustDomains":
        return caller.principal ?? jwtPrincipal(caller.claims);
      case "ipBlocks":
        return caller.address;
      case "claims":
        return member(caller.claims, ...(member(valueAt(rule, path), "path") as string[]));
      case "methods":
        return member(message, "method");
      case "servers":
        return caller.cluster;
      case "tools":
      case "prompts":
        return member(params, "name") ?? member(params, "ref", "name") ?? member(params, "taskId");
      case "resources":
        return (
          member(params, "uri") ??
          member(params, "ref", "uri") ??
          member(params, "notifications", "resourceSubscriptions")
        );
      case "when":
        return conditionValue(String(member(valueAt(rule, path), "key")), message, headers);
      default:
        return member(message, "method") === undefined ? "server_to_client" : "client_to_server";
    }
  };
  return shown(value());
}

function conditionValue(key: string, message: unknown, headers: Asked["headers"]): unknown {
  const params = member(message, "params");
  if (key === "mcp.protocolVersion") {
    return (
      member(params, "_meta", META_VERSION) ??
      member(params, "protocolVersion") ??
      headers["mcp-protocol-version"] ??
      "2025-03-26"
    );
  }
  if (key === "mcp.clientName") {
    return member(params, "_meta", META_CLIENT, "name") ?? member(params, "clientInfo", "name");
  }
  return member(params, "arguments", ...Array.from(key.matchAll(ARGUMENT), ([, name]) => name));
}

function jwtPrincipal(claims: Asked["caller"]["claims"]): unknown {
  const [issuer, subject] = [member(claims, "iss"), member(claims, "sub")];
  return typeof issuer === "string" && typeof subject === "string" ? `${issuer}/${subject}` : undefined;
}

/** The field of a part without indices: `principals`, `claims`, `when`. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1).replace(/\[\d+\]$/, "");
}

function valueAt(rule: Rule, path: string): unknown {
  return member(rule, ...path.split(/[.[\]]+/).filter((name) => name !== ""));
}

function listed(word: string, values: readonly unknown[]): string {
  const first = values.slice(0, SHOWN).map(shown).join(", ");
  const more = values.length > SHOWN ? ` and ${values.length - SHOWN} more` : "";
  return values.length === 1 ? `${word === "one of" ? "" : "not "}${first}` : `${word} ${first}${more}`;
}

/** A value as JSON that a terminal shows as it is. */
export function shown(value: unknown): string {
  return value === undefined ? "nothing" : printable(JSON.stringify(value));
}
