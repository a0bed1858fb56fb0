/** What an allowance belongs to: the values of a key's parts in a request. */
import { type Caller, factsOf } from "./caller.ts";
import { type Configuration, identityOf } from "./configuration.ts";
import { drive } from "./drive.ts";
import { member, parsed, without } from "./json.ts";
import { isRejected, withRule } from "./probe.ts";
import { headersFor, META_CLIENT, type Request } from "./request.ts";

/** A part of a rule's key, as the configuration names it. */
export type KeyPart = string | { readonly claim: readonly string[] };

/** A part and its value in a request. */
export interface KeyValue {
  readonly part: KeyPart;
  /** Null if the filter does not know it: all requests for which it does not know it share an allowance. */
  readonly value: unknown;
}

/** Milliseconds after which the allowance of {@link keyValue} has refilled. */
const REFILLED = 2 * 3_600_000;

/** The value of a part of a key in a request with one message. The filter knows it if it admits one more request without this
 *  value after the allowance of 1 with this value is used up. */
export function keyValue(part: KeyPart, configuration: Configuration, caller: Caller, request: Request): KeyValue {
  const identity = identityOf(configuration);
  const facts = factsOf(caller, identity);
  const scope = { to: [{ operation: { methods: [request.body === undefined ? request.method : "*"] } }] };
  const plugin = withRule(configuration, scope, [part], "requests", { amount: 1, per: "1h" });
  const tool = part === "tool" ? calledTool(request) : undefined;
  if (tool !== undefined) {
    drive(plugin, facts, listRequest(request), [tool]);
    plugin.vm.clock.advance(REFILLED);
  }
  const { state } = drive(plugin, facts, request);
  // No request is without these two.
  if (part === "server") return { part, value: state.get("mcp.server") || null };
  if (part === "method") return { part, value: state.get("mcp.method") || request.method };
  const other = withoutPart(part, caller, request);
  const isKnown = !isRejected(plugin, factsOf(other.caller, identity), other.request);
  return { part, value: isKnown ? valueIn(part, state, caller, request) : null };
}

function valueIn(
  part: KeyPart,
  state: ReadonlyMap<string, string>,
  { claims, address, principal }: Caller,
  request: Request,
): unknown {
  if (typeof part !== "string") return member(claims, ...part.claim);
  switch (part) {
    case "principal":
      return state.get("mcp.principal") || principal;
    case "address":
      return address;
    case "session":
      return request.headers["mcp-session-id"] ?? "the caller's activity";
    case "client": {
      const params = member(parsed(request.body), "params");
      return member(params, "_meta", META_CLIENT, "name") ?? member(params, "clientInfo", "name");
    }
    default:
      return calledTool(request);
  }
}

/** The same request of the same caller, but without the value of a part. */
function withoutPart(part: KeyPart, caller: Caller, request: Request): { caller: Caller; request: Request } {
  const { claims } = caller;
  if (typeof part !== "string") return { caller: { ...caller, claims: without(claims, part.claim) }, request };
  switch (part) {
    case "principal": {
      const headers = without(request.headers, ["x-forwarded-client-cert"]);
      const anonymous = { ...caller, principal: undefined, claims: without(without(claims, ["iss"]), ["sub"]) };
      return { caller: anonymous, request: { ...request, headers } };
    }
    case "address":
      return { caller: { ...caller, address: undefined }, request };
    case "session":
      return { caller, request: { ...request, headers: without(request.headers, ["mcp-session-id"]) } };
    case "client":
      return { caller, request: edited(request, withoutClient) };
    default:
      return { caller, request: calledTool(request) === undefined ? request : edited(request, withInventedTool) };
  }
}

/** The tool that the message calls. */
function calledTool({ body }: Request): string | undefined {
  const message = parsed(body);
  const name = member(message, "params", "name");
  return member(message, "method") === "tools/call" && typeof name === "string" ? name : undefined;
}

function withoutClient(message: unknown): unknown {
  return without(without(message, ["params", "_meta", META_CLIENT]), ["params", "clientInfo"]);
}

function withInventedTool(message: unknown): unknown {
  return {
    ...(message as object),
    params: { ...(member(message, "params") as object), name: "no server has this tool" },
  };
}

/** The request with another message, and with the headers that go with it. */
function edited({ body, headers, ...request }: Request, edit: (message: unknown) => unknown): Request {
  const text = JSON.stringify(edit(parsed(body)));
  return { ...request, body: text, headers: headersFor(text, without(headers, ["mcp-name"])) };
}

function listRequest({ path, headers }: Request): Request {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  return {
    method: "POST",
    path,
    body,
    headers: headersFor(body, without(without(headers, ["mcp-name"]), ["mcp-method"])),
  };
}
