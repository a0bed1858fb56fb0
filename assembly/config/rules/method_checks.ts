import { KNOWN_METHODS, METHOD_NAMESPACES } from "../../mcp/protocol/methods";
import { JsonType, JsonValue } from "../values/json_value";
import { nearestWord } from "../values/near_miss";
import { Problems, itemPath, suggestion } from "../values/problems";
import { quoted } from "../values/shown";
import { MessageDirection, OperationConfig } from "./rule_config";
import { anyMatches, matches } from "./glob";

/** Name for the group of methods by which a client and a server establish and test their connection. */
export const HANDSHAKE = "@handshake";
export const HANDSHAKE_METHODS: string[] = ["initialize", "notifications/initialized", "ping", "server/discover"];

/**
 * The methods of messages that name a tool, and of messages that refer to one by its task, which limits do not resolve.
 */
const CALLS: string[] = ["tools/call"];
const TOOL_METHODS: string[] = CALLS.concat(["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"]);
const PROMPT_METHODS: string[] = ["prompts/get", "completion/complete"];
/**
 * The methods of requests that name a resource. Limits ignore the resources of subscriptions, which may name any number
 * of them.
 */
const RESOURCE_REQUESTS: string[] = [
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "completion/complete",
];
const RESOURCE_METHODS: string[] = RESOURCE_REQUESTS.concat(["subscriptions/listen"]);
const NOTIFICATIONS = "notifications/";
/** The methods of server requests to clients. */
const SERVER_METHODS: string[] = ["sampling/createMessage", "elicitation/create", "roots/list", "ping"];

/** Pseudo method for the streams that clients open by GET. Limits can cover them. */
export const GET_STREAM = "GET";
const KNOWN_METHODS_AND_STREAMS: string[] = KNOWN_METHODS.concat([GET_STREAM]);

/** The possible methods of an operation. */
export enum MethodScope {
  /** All messages of clients and servers. */
  Messages,
  /** Everything that can be limited: client requests, and streams that clients open. */
  Limited,
}

/**
 * The methods that an operation can match: those that name a target of its kind. Empty if the operation names no
 * target, so that every method is possible.
 */
export function methodsOfTarget(operation: OperationConfig, scope: MethodScope): string[] {
  const isLimited = scope == MethodScope.Limited;
  if (!operation.tools.isEmpty) return isLimited ? CALLS : TOOL_METHODS;
  if (!operation.prompts.isEmpty) return PROMPT_METHODS;
  return operation.resources.isEmpty ? [] : isLimited ? RESOURCE_REQUESTS : RESOURCE_METHODS;
}

/** Whether a rule with these operations can cover a client request with this method, which names a target. */
export function mayBe(method: string, operations: OperationConfig[]): bool {
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i];
    if (operation.direction == MessageDirection.ServerToClient) continue;
    const targets = methodsOfTarget(operation, MethodScope.Messages);
    if (targets.length > 0 && !targets.includes(method)) continue;
    const methods = operation.methods;
    const isWanted = methods.values.length == 0 || anyMatches(methods.values, method);
    if (isWanted && !anyMatches(methods.notValues, method)) return true;
  }
  return operations.length == 0;
}

/**
 * Checks `methods` and `notMethods` of one operation. Reports names that no message has, and methods that cannot match
 * together with the operation's other fields.
 */
export class MethodChecks {
  private known: string[];

  constructor(
    private problems: Problems,
    private scope: MethodScope,
  ) {
    this.known = scope == MethodScope.Limited ? KNOWN_METHODS_AND_STREAMS : KNOWN_METHODS;
  }

  /** Reports the names in a list that are not MCP methods. */
  checkNames(path: string, value: JsonValue): void {
    for (let i = 0; i < value.items.length; i++) {
      const item = value.items[i];
      if (item.type != JsonType.String || item.isCut || item.text.startsWith("@")) continue;
      this.checkName(itemPath(path, i), item.text);
    }
  }

  /** Reports the methods in a list of `methods` that the rest of the operation excludes. */
  checkTogether(path: string, value: JsonValue, operation: OperationConfig): void {
    const isOfServer = operation.direction == MessageDirection.ServerToClient;
    const possible = isOfServer ? SERVER_METHODS : methodsOfTarget(operation, this.scope);
    for (let i = 0; i < value.items.length; i++) {
      const item = value.items[i];
      if (item.type != JsonType.String || item.isCut) continue;
      const at = itemPath(path, i);
      if (this.scope == MethodScope.Limited && this.isUnlimited(at, item.text)) continue;
      // Servers may send further requests in a later revision.
      if (isOfServer && !isAmong(item.text, KNOWN_METHODS)) continue;
      if (possible.length > 0 && !isAmong(item.text, possible)) {
        const why = isOfServer
          ? " is not a request of servers to clients"
          : " does not name a target of the operation's kind";
        this.problems.error(at, quoted(item.text) + why + ", so it never matches");
      } else if (!isOfServer && item.text != "ping" && SERVER_METHODS.includes(item.text)) {
        this.problems.warn(
          at,
          quoted(item.text) + ' is a request of servers: it needs "direction": "server_to_client"',
        );
      }
    }
  }

  /** Reports an operation that no method matches: all possible ones are excluded, or it names a target of client
   *  responses. */
  checkRest(path: string, operation: OperationConfig): void {
    const targets = methodsOfTarget(operation, this.scope);
    if (targets.length == 0) return;
    if (operation.direction == MessageDirection.ServerToClient) {
      this.problems.error(path, "responses of clients name no tool, prompt or resource, so this never matches");
      return;
    }
    for (let i = 0; i < targets.length; i++) {
      if (!anyMatches(operation.methods.notValues, targets[i])) return;
    }
    this.problems.error(path, "notMethods excludes every method that names its targets, so this never matches");
  }

  /** Reports a method that cannot be limited. Returns whether it is one. */
  private isUnlimited(path: string, name: string): bool {
    const isNotification = name.startsWith(NOTIFICATIONS);
    const isOfServer = name != "ping" && SERVER_METHODS.includes(name);
    if (isNotification)
      this.problems.error(path, quoted(name) + " is a notification, which limits never cover, so it never matches");
    else if (isOfServer)
      this.problems.error(
        path,
        quoted(name) + " is a request of servers, and limits cover only requests of clients, so it never matches",
      );
    return isNotification || isOfServer;
  }

  private checkName(path: string, name: string): void {
    const star = name.indexOf("*");
    if (star < 0 ? this.known.includes(name) : matchesOne(name, this.known)) return;
    let near = "";
    if (star < 0) {
      near = nearestWord(name, this.known);
    } else {
      const namespace = nearestWord(name.slice(0, star), METHOD_NAMESPACES);
      if (namespace.length) near = namespace + name.slice(star);
    }
    if (near.length) {
      this.problems.error(path, quoted(name) + " is not an MCP method, so it never matches" + suggestion(near));
    } else {
      this.problems.warn(path, quoted(name) + " is not an MCP method known to this version");
    }
  }
}

/** Whether the name of a method, a pattern or {@link HANDSHAKE} covers one of the methods. */
function isAmong(name: string, methods: string[]): bool {
  if (name != HANDSHAKE) return matchesOne(name, methods);
  for (let i = 0; i < HANDSHAKE_METHODS.length; i++) {
    if (methods.includes(HANDSHAKE_METHODS[i])) return true;
  }
  return false;
}

function matchesOne(pattern: string, methods: string[]): bool {
  for (let i = 0; i < methods.length; i++) {
    if (matches(pattern, methods[i])) return true;
  }
  return false;
}
