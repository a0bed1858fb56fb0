/** The JSON that the page's server sends and its client reads. Names are decoded and printable. */

/** A number as it is sorted, and as it is shown. */
export interface Cell {
  value: number;
  text: string;
}

/** The columns of numbers in the table of tools and methods, since the start. */
export interface RowCells {
  calls: Cell;
  errors: Cell;
  cancelled: Cell;
  limited: Cell;
  p50: Cell;
  p95: Cell;
  p99: Cell;
  tokensIn: Cell;
  tokensOut: Cell;
  bytes: Cell;
}

/** A tool, or a method that is not a call of a tool. */
export interface ShownRow {
  /** Identifies the row in {@link Point}. */
  key: string;
  server: string;
  name: string;
  isTool: boolean;
  cells: RowCells;
}

export interface ShownServer {
  name: string;
  sessionsActive: number;
  sessionsSeen: number;
  /** The states that active sessions are in, with their numbers. */
  states: StateCount[];
  tokensPerSession: string;
  definitionTokens: string;
}

export interface StateCount {
  state: string;
  count: number;
}

/** What an access policy denied or a limit rejected, or what waited. */
export interface ShownDecision {
  count: number;
  server: string;
  /** What was decided: a tool, a method, or a number of requests. */
  what: string;
  rule: string;
  /** An explanation; "" if there is none. */
  note: string;
}

export interface ShownQueue {
  server: string;
  rule: string;
  waiting: number;
  queued: number;
  p95: string;
}

export interface Problem {
  severity: "error" | "warning";
  text: string;
}

/** A session that the access log named. */
export interface ShownSession {
  /** A keyed hash of the session's id: 16 hexadecimal digits. It is unique for a server. */
  id: string;
  server: string;
  era: string;
  principal: string;
  /** When the first and the last known step began, in milliseconds since 1970. */
  first: number;
  last: number;
  /** The number of steps, also of those that are no longer kept. */
  steps: number;
  /** The number of steps that failed, were denied or were limited. */
  failures: number;
  tokens: number;
}

/** A request, notification or other message of a session. */
export interface Step {
  /** When it began, in milliseconds since 1970. */
  start: number;
  /** "" for a client's answer to a request of the server. */
  method: string;
  /** A tool, prompt or resource; "" if there is none. */
  target: string;
  /** As in the label mcp_outcome; "" for a notification, and for an answer that comes on another stream. */
  outcome: string;
  isFailure: boolean;
  /** Milliseconds until the end of the answer, without the wait; undefined if it has no answer of its own. */
  durationMs: number | undefined;
  /** Milliseconds in the queues of limits before that. */
  waitMs: number;
  tokens: number;
  /** What decided about it: rules of access and limits, the HTTP status if it is an error, what ended it. */
  notes: string[];
}

/** What the page shows of the present. */
export interface Now {
  /** Identifies this run of the server. */
  run: string;
  /** Milliseconds since 1970. */
  time: number;
  rows: ShownRow[];
  servers: ShownServer[];
  denials: ShownDecision[];
  limits: ShownDecision[];
  queues: ShownQueue[];
  problems: Problem[];
  /** The latest first. */
  sessions: ShownSession[];
}

/** What happened to a row in the time before a point: rates per second, and durations in milliseconds (null without calls). */
export interface RowPoint {
  key: string;
  calls: number;
  errors: number;
  p50: number | null;
  p95: number | null;
}

/** What happened to a server in the time before a point: rates per second; sessions and waiting requests as counted then. */
export interface ServerPoint {
  name: string;
  calls: number;
  errors: number;
  denied: number;
  limited: number;
  tokensIn: number;
  tokensOut: number;
  waiting: number;
  states: StateCount[];
}

/** One step of the history. */
export interface Point {
  /** Its end, in milliseconds since 1970. */
  time: number;
  /** Rows with calls, the most called first. */
  rows: RowPoint[];
  servers: ServerPoint[];
}

/** The message of the stream of updates. `point` is present when the history has a new one. */
export interface Update {
  now: Now;
  point?: Point;
}

/** What the page shows when it opens. */
export interface Opening {
  now: Now;
  history: Point[];
  /** The milliseconds between two points, and between the first and the last point at most. */
  stepMs: number;
  historyMs: number;
  proxies: Proxy[];
}

/** A proxy that runs. */
export interface Proxy {
  name: string;
  proxyUrl: string;
  statisticsUrl: string;
}
