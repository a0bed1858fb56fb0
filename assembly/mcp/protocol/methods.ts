import { permanentBytes, startsWithText } from "../../memory/bytes";

/** What a request's `name` parameter names, for the methods that OpenTelemetry labels by it. */
export enum TargetKind {
  None,
  Tool,
  Prompt,
}

/** The methods of MCP, all revisions (the specification's schema.ts of each). */
export enum Method {
  /** None: a response has no method. */
  None,
  /** In one of MCP's namespaces, or under an MCP header, but unknown. */
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

/** The names, in the order of {@link Method}. The first two are what labels show for these. */
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

/** The methods' own names. */
export const KNOWN_METHODS: string[] = NAMES.slice(Method.Initialize);

/** Beginnings that MCP keeps for itself: a later revision's methods lie there too. */
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

/** Bytes of the longest name. */
const LONGEST_NAME: i32 = NAMES.reduce<i32>((longest, name) => max(longest, name.length), 0);

/** By the length of names: the last method of that length, and by methods: the one before of the same length. None where there
 *  is none. */
const lastOfLength = new StaticArray<u8>(LONGEST_NAME + 1);
const beforeOfLength = new StaticArray<u8>(METHOD_COUNT);
for (let method: i32 = Method.Initialize; method < METHOD_COUNT; method++) {
  const length = NAMES[method].length;
  beforeOfLength[method] = lastOfLength[length];
  lastOfLength[length] = <u8>method;
}

/** The method of this name: a known one; Other for an unknown one in MCP's namespaces; None for any other text. */
export function methodOf(at: usize, length: u32): Method {
  let method: i32 = length <= <u32>LONGEST_NAME ? unchecked(lastOfLength[length]) : Method.None;
  for (; method != Method.None; method = unchecked(beforeOfLength[method])) {
    if (memory.compare(unchecked(KNOWN[method]), at, length) == 0) return method;
  }
  for (let i = 0; i < METHOD_NAMESPACES.length; i++) {
    if (startsWithText(at, length, unchecked(METHOD_NAMESPACES[i]))) return Method.Other;
  }
  return Method.None;
}

/** Whether a request without any other sign of MCP that names this method is one of MCP. A name in its namespaces is not
 *  enough: other JSON-RPC protocols have such names, and A2A's methods `tasks/get` and `tasks/cancel` are called like MCP's.
 *  Revisions whose methods are not known here require headers that name MCP. */
export function isDistinctive(method: Method): bool {
  return method > Method.Other && (method < Method.TasksGet || method > Method.TasksUpdate);
}

/** The method's name as labels show it; unknown ones as `_OTHER`. */
export function methodName(method: Method): string {
  return NAMES[method];
}

export function targetKind(method: Method): TargetKind {
  if (method == Method.ToolsCall) return TargetKind.Tool;
  return method == Method.PromptsGet ? TargetKind.Prompt : TargetKind.None;
}

/** Whether the method asks for a list of definitions. */
export function isList(method: Method): bool {
  return (
    method == Method.ToolsList ||
    method == Method.PromptsList ||
    method == Method.ResourcesList ||
    method == Method.ResourcesTemplatesList
  );
}

/** How much the end of an operation of this method tells: where there is no room for all that wait, those of a lower rank
 *  go first. 0 to 3. */
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
