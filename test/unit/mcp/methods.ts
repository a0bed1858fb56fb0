/** The methods of all revisions, from the specification's schemas. */
export const METHODS = [
  "initialize",
  "ping",
  "server/discover",
  "tools/list",
  "tools/call",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "subscriptions/listen",
  "completion/complete",
  "logging/setLevel",
  "tasks/get",
  "tasks/result",
  "tasks/list",
  "tasks/cancel",
  "tasks/update",
  "sampling/createMessage",
  "elicitation/create",
  "roots/list",
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/message",
  "notifications/tools/list_changed",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
  "notifications/resources/updated",
  "notifications/roots/list_changed",
  "notifications/elicitation/complete",
  "notifications/subscriptions/acknowledged",
  "notifications/tasks/status",
  "notifications/tasks",
];

/** Where unknown methods may be a later revision's. */
export const NAMESPACES = new Set(METHODS.filter((name) => name.includes("/")).map((name) => name.split("/")[0] + "/"));

/** The label of a method's name: empty where the name is not MCP's. */
export function methodLabel(name: string): string {
  if (METHODS.includes(name)) return name;
  return [...NAMESPACES].some((namespace) => name.startsWith(namespace)) ? "_OTHER" : "";
}
