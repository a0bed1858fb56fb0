import { permanentBytes, startsWithText } from "../../memory/bytes";

/** What the `name` parameter of a request refers to, for the methods that OpenTelemetry labels by it. */
export enum TargetKind {
  None,
  Tool,
  Prompt,
}

/** The methods of all MCP revisions (schema.ts of each specification). */
export enum Method {
  /** A response, which has no method. */
  None,
  /** An unknown method in one of MCP's namespaces, or of a request with an MCP header. */
  Other,
  Initialize,
  Ping,
  ServerDiscover,
  ToolsList,
  ToolsCall,
  PromptsList,
  PromptsGet,
  ResourcesList,
  ResourcesTemplatesList,
  ResourcesRead,
  ResourcesSubscribe,
  ResourcesUnsubscribe,
  SubscriptionsListen,
  CompletionComplete,
  LoggingSetLevel,
  TasksGet,
  TasksResult,
  TasksList,
  TasksCancel,
  TasksUpdate,
  SamplingCreateMessage,
  ElicitationCreate,
  RootsList,
  NotificationsInitialized,
  NotificationsCancelled,
  NotificationsProgress,
  NotificationsMessage,
  NotificationsToolsListChanged,
  NotificationsPromptsListChanged,
  NotificationsResourcesListChanged,
  NotificationsResourcesUpdated,
  NotificationsRootsListChanged,
  NotificationsElicitationComplete,
  NotificationsSubscriptionsAcknowledged,
  NotificationsTasksStatus,
  NotificationsTasks,
}

export const METHOD_COUNT: i32 = Method.NotificationsTasks + 1;

/** The names in the order of {@link Method}. The first two are label values only. */
const NAMES: string[] = [
  "",
  "_OTHER",
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

/** The names of all known methods. */
export const KNOWN_METHODS: string[] = NAMES.slice(Method.Initialize);

/** The prefixes of MCP's method names, which methods of later revisions share. */
export const METHOD_NAMESPACES: string[] = [
  "tools/",
  "prompts/",
  "resources/",
  "notifications/",
  "server/",
  "subscriptions/",
  "completion/",
  "logging/",
  "tasks/",
  "sampling/",
  "elicitation/",
  "roots/",
];

/** The names as bytes, for comparison. */
const KNOWN = NAMES.map<usize>((name) => permanentBytes(name));

/** The length of the longest name in bytes. */
const MAX_NAME: i32 = NAMES.reduce<i32>((longest, name) => max(longest, name.length), 0);

/** Lists of methods by the length of their names. `lastOfLength`: the last method with a name of this length;
 *  `beforeOfLength`: the previous method with a name of the same length. None ends a list. */
const lastOfLength = new StaticArray<u8>(MAX_NAME + 1);
const beforeOfLength = new StaticArray<u8>(METHOD_COUNT);
for (let method: i32 = Method.Initialize; method < METHOD_COUNT; method++) {
  const length = NAMES[method].length;
  beforeOfLength[method] = lastOfLength[length];
  lastOfLength[length] = <u8>method;
}

/** The method with this name: Other if it is unknown but in MCP's namespaces; None for any other text. */
export function methodOf(at: usize, length: u32): Method {
  let method: i32 = length <= <u32>MAX_NAME ? unchecked(lastOfLength[length]) : Method.None;
  for (; method != Method.None; method = unchecked(beforeOfLength[method])) {
    if (memory.compare(unchecked(KNOWN[method]), at, length) == 0) return method;
  }
  for (let i = 0; i < METHOD_NAMESPACES.length; i++) {
    if (startsWithText(at, length, unchecked(METHOD_NAMESPACES[i]))) return Method.Other;
  }
  return Method.None;
}

/** Whether this method alone identifies a request as MCP. A name in MCP's namespaces is not enough: other JSON-RPC protocols
 *  have such names, and A2A has the methods `tasks/get` and `tasks/cancel`, too. Revisions with methods that are unknown
 *  here require headers that identify MCP. */
export function isDistinctive(method: Method): bool {
  return method > Method.Other && (method < Method.TasksGet || method > Method.TasksUpdate);
}

/** The method's name as a label value; `_OTHER` if it is unknown. */
export function methodName(method: Method): string {
  return NAMES[method];
}

export function targetKind(method: Method): TargetKind {
  if (method == Method.ToolsCall) return TargetKind.Tool;
  return method == Method.PromptsGet ? TargetKind.Prompt : TargetKind.None;
}

/** Whether the method requests a list of definitions. */
export function isList(method: Method): bool {
  return (
    method == Method.ToolsList ||
    method == Method.PromptsList ||
    method == Method.ResourcesList ||
    method == Method.ResourcesTemplatesList
  );
}

/** The importance of an operation of this method, 0 to 3. If there is no room for all waiting operations, those of a lower
 *  rank are evicted first. */
export function evictionRank(method: Method): u32 {
  switch (method) {
    case Method.Ping:
      return 0;
    case Method.ServerDiscover:
    case Method.LoggingSetLevel:
    case Method.ToolsList:
    case Method.PromptsList:
    case Method.ResourcesList:
    case Method.ResourcesTemplatesList:
    case Method.TasksList:
    case Method.RootsList:
      return 1;
    case Method.ToolsCall:
      return 3;
    default:
      return 2;
  }
}
