import { CallerLabel } from "../../config/plugin_config";
import { TraceConfig } from "../../config/trace_config";
import { Clock } from "../../host/clock";
import { Random } from "../../host/random";
import { Callers } from "../../identity/callers";
import { Principals } from "../../identity/principals";
import { Servers } from "../../identity/servers";
import { SessionKeys } from "../../identity/session_keys";
import { SessionTraces } from "../../identity/session_traces";
import { SharedTraces } from "../../identity/shared_traces";
import { mix } from "../../memory/bytes";
import { neverZero } from "../../memory/keyed_hash";
import { Endpoints } from "../../store/endpoints";
import { ListPaths } from "../../store/list_paths";
import { Marks } from "../../store/primitives/marks";
import { Secret } from "../../store/primitives/secret";
import { Store } from "../../store/primitives/store";
import { RejectionErrors } from "../../store/rejection_errors";
import { SeenDefinitions } from "../../store/seen_definitions";
import { Sessions } from "../../store/sessions";
import { Tasks as StoredTasks } from "../../store/tasks";
import { ToolLists } from "../../store/tool_lists";
import { EventSink } from "../event_sink";
import { RequestHead } from "../headers/request_head";
import { Events } from "../events";
import { KeptLists } from "../message/kept_lists";
import { AbandonedOperations } from "../operations/abandoned_operations";
import { Cancellations } from "../operations/cancellations";
import { Pairing } from "../operations/pairing";
import { TokenUsage } from "../operations/token_usage";
import { WaitingOperations } from "../operations/waiting_operations";
import { TokenSettings } from "../protocol/token_kinds";
import { ClientNumbers } from "../sessions/client_numbers";
import { Participants } from "../sessions/participants";
import { SessionActivity } from "../sessions/session_activity";
import { SessionEvents } from "../sessions/session_events";
import { SessionTracker } from "../sessions/session_tracker";
import { SessionWork } from "../sessions/session_work";
import { StreamSessions } from "../sessions/stream_sessions";
import { WaitingSessions } from "../sessions/waiting_sessions";
import { SpanOrigins } from "../spans/span_origins";
import { Stream } from "../state/stream";
import { ListChanges } from "../tools/list_changes";
import { Tasks } from "../tools/tasks";
import { ToolEvidence } from "../tools/tool_evidence";
import { ClientMessages } from "./client_messages";
import { HttpSse } from "./http_sse";
import { ServerMessages } from "./server_messages";

/** Settings of a counting unit. */
export class ExchangeSettings {
  constructor(
    /** The idle timeout of a session. */
    readonly idleSeconds: u32,
    readonly maxSessions: i32,
    readonly tokens: TokenSettings,
    /** What sinks show of the callers of operations. */
    readonly callerLabel: CallerLabel,
    /** Settings of traces; null if no spans are recorded. */
    readonly trace: TraceConfig | null,
  ) {}
}

/** The step between the seeds of span ids: an odd number, so that all seeds differ. */
const SPAN_STEP: u64 = 0x9e3779b97f4a7c15;

/** The services that exchanges use: the state and the sinks of one counting unit on one worker. */
export class ExchangeServices {
  /** The events of the unit. Sinks receive each event in the order in which they were added. */
  readonly events: Events;
  readonly participants: Participants;
  readonly sessions: StreamSessions;
  readonly pairing: Pairing;
  readonly httpSse: HttpSse;
  readonly clientMessages: ClientMessages;
  readonly serverMessages: ServerMessages;
  readonly tasks: Tasks;
  readonly tokens: TokenSettings;
  /** The latest definitions of pinned tools. */
  readonly definitions: SeenDefinitions;
  /** The errors that replace the responses to HTTP+SSE requests that the gate has rejected. */
  readonly rejections: RejectionErrors;
  /** The sink that records clients' names for the access policy. The unit sets it before streams use it. */
  clientNames: EventSink | null = null;
  /** The sink with which limits settle; null if there are none. The unit sets it before streams use it. */
  limits: EventSink | null = null;
  /** Chooses the traces and parents of spans; null if no traces are recorded. */
  readonly origins: SpanOrigins | null;
  /** Tracks the sessions. */
  readonly tracker: SessionTracker;
  private lists: KeptLists;
  private spanIds: u64;
  private storedSessions: Sessions;
  private waiting: WaitingOperations;
  private waitingSessions: WaitingSessions;

  /**
   * @param shared the state of the counting unit.
   * @param role the role of the unit: `client` or `server`.
   * @param secret the key of the unit.
   * @param principals reads the principals that sinks show; null if they show something else.
   * @param endpoints the endpoints that HTTP+SSE streams of the whole proxy announced.
   */
  constructor(
    settings: ExchangeSettings,
    shared: Store,
    role: string,
    secret: Secret,
    servers: Servers,
    callers: Callers,
    principals: Principals | null,
    clients: ClientNumbers,
    endpoints: Endpoints,
    clock: Clock,
    randomNumbers: Random,
  ) {
    const events = new Events();
    const waitingSessions = new WaitingSessions();
    const storedSessions = new Sessions(shared, settings.maxSessions, new SessionEvents(events, waitingSessions));
    const tracker = new SessionTracker(storedSessions, events, clients, settings.idleSeconds);
    const trace = settings.trace;
    const hasKey = trace != null && trace.sessionKey.length > 0;
    const sharedTraces = hasKey ? new SharedTraces(trace!.sessionKey) : null;
    const participants = new Participants(servers, callers, events, principals, settings.callerLabel);
    const sessions = new StreamSessions(new SessionKeys(secret), participants, tracker, events, clock, sharedTraces);
    const tasks = new Tasks(new StoredTasks(shared), participants, events, clock);
    const changes = new ListChanges(new ToolLists(shared), new ListPaths(shared), sessions, participants, events);
    const toolEvidence = new ToolEvidence(changes, tasks, events);
    const lists = new KeptLists();
    const usage = new TokenUsage(settings.tokens, new Marks(shared, "lists"), sessions, events);
    const waiting = new WaitingOperations(shared, events, settings.idleSeconds);
    const cancellations = new Cancellations(new Marks(shared, "cancellations"));
    const abandoned = new AbandonedOperations(cancellations, events);
    const pairing = new Pairing(
      waiting,
      abandoned,
      cancellations,
      sessions,
      participants,
      usage,
      toolEvidence,
      lists,
      endpoints,
      events,
      clock,
    );
    const work = new SessionWork(tracker);
    events.add(new SessionActivity(tracker, work, waitingSessions, clock));
    this.events = events;
    this.participants = participants;
    this.sessions = sessions;
    this.pairing = pairing;
    this.httpSse = new HttpSse(endpoints, sessions, pairing);
    this.clientMessages = new ClientMessages(sessions, participants, pairing, usage, events);
    this.serverMessages = new ServerMessages(participants, pairing, usage, tasks, lists, events);
    this.tasks = tasks;
    this.tokens = settings.tokens;
    this.definitions = new SeenDefinitions(shared);
    this.rejections = new RejectionErrors(shared);
    this.origins = trace ? new SpanOrigins(trace, role, new SessionTraces(secret), tracker) : null;
    this.spanIds = trace ? randomNumbers.next() : 0;
    this.tracker = tracker;
    this.lists = lists;
    this.storedSessions = storedSessions;
    this.waiting = waiting;
    this.waitingSessions = waitingSessions;
  }

  /** Prepares a new stream for spans, if traces are recorded. */
  beginTrace(stream: Stream, head: RequestHead): void {
    if (!this.origins) return;
    this.spanIds += SPAN_STEP;
    stream.beginTrace(neverZero(mix(this.spanIds)));
    stream.trace.header.read(head.traceparent, head.traceparentLength);
  }

  /** Ends abandoned operations and writes the activity of sessions to the store, as far as they are due. */
  tick(nowMs: u64): void {
    this.pairing.tick(nowMs);
    this.tracker.tick(nowMs);
  }

  /** Whether no operation of an ended stream is still open here. */
  get isIdle(): bool {
    return this.pairing.isIdle;
  }

  /** Ends the sessions and operations that are due, and counts the others. One worker at a time calls this. False if more
   *  are due than one sweep ends; then the next sweep should follow soon. */
  sweep(nowMs: u64): bool {
    // Waiting operations come first, since the states of sessions depend on them.
    this.waitingSessions.clear();
    const hasSweptWaiting = this.waiting.sweep(nowMs);
    const hasSweptSessions = this.storedSessions.sweep(nowMs);
    return hasSweptSessions && hasSweptWaiting;
  }

  /** Whether the latest sweep left neither a session nor a waiting operation. */
  get isEmpty(): bool {
    return this.storedSessions.isEmpty && this.waiting.isEmpty;
  }

  /** Ends abandoned operations and writes all activity of sessions to the store. The services must not be used afterwards. */
  close(nowMs: u64): void {
    this.pairing.close();
    this.tracker.close(nowMs);
    this.lists.close();
  }
}
