import { Turns } from "../../gate/stage/turns";
import { Clock } from "../../host/clock";
import { Timer } from "../../host/timer";
import { SessionKey } from "../../identity/keys";
import { Event, EventKind } from "../../mcp/event";
import { EventSink } from "../../mcp/event_sink";
import { Cancellations } from "../../mcp/operations/cancellations";
import { TargetKind, targetKind } from "../../mcp/protocol/methods";
import { Outcome, isRejection, isSuccess } from "../../mcp/protocol/outcome";
import { TOKEN_KIND_COUNT } from "../../mcp/protocol/token_kinds";
import { StreamSessions } from "../../mcp/sessions/stream_sessions";
import { Admission } from "../../mcp/state/admission";
import { Operation } from "../../mcp/state/operation";
import { Stream } from "../../mcp/state/stream";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { keyedHash } from "../../memory/keyed_hash";
import { Allowances, WhenFull } from "../../store/allowances";
import { Permits } from "../../store/permits";
import { Marks } from "../../store/primitives/marks";
import { AdaptiveLimits } from "../adaptive/adaptive_limits";
import { WorkerSlots } from "../../store/primitives/worker_slots";
import { Store } from "../../store/primitives/store";
import { WaitingWorkers } from "../../store/waiting_workers";
import { KnownTools } from "./known_tools";
import { LimitAudit } from "../report/limit_audit";
import { LimitQueues } from "../queue/limit_queues";
import { LimitKind, lineOf } from "../rules/limit_rule";
import { LimitRules } from "../rules/limit_rules";
import { LimitedCallers } from "../report/limited_callers";
import { OpenAdmissions } from "./open_admissions";
import { Settlement } from "./settlement";
import { BYTES_PER_TOKEN, FIRST_ERROR_STATUS } from "./token_cost";

/** Number of buckets for sessions whose client is remembered, and for tools of servers, with 32 entries per bucket. */
const CLIENT_BUCKETS: i32 = 1024;
const TOOL_BUCKETS: i32 = 256;

/**
 * What callers have used of the limits of a counting unit. It charges and refunds requests as they are decided. As a
 * sink it settles what is known only when operations end: it charges tokens and releases permits.
 */
export class Ledger extends EventSink {
  readonly tools: KnownTools;
  readonly permits: Permits;
  /** Allowances of requests and tokens. */
  readonly allowances: Allowances;
  readonly repeats: Allowances;
  readonly limited: LimitedCallers;
  /** Limits of tool calls in flight. */
  readonly adaptive: AdaptiveLimits;
  /** The waiting requests. */
  readonly queues: LimitQueues;
  private clients: Marks;
  private open: OpenAdmissions;

  /**
   * @param shared the state of the counting unit
   * @param slots the slots of the unit's workers
   */
  constructor(
    readonly rules: LimitRules,
    private shared: Store,
    private slots: WorkerSlots,
    private sessions: StreamSessions,
    readonly audit: LimitAudit,
    turns: Turns,
    timer: Timer,
    private clock: Clock,
  ) {
    super();
    const maxKeys = rules.config.maxKeys;
    this.tools = new KnownTools(new Marks(shared, "limit-tools", TOOL_BUCKETS));
    this.permits = new Permits(shared, "permits");
    this.allowances = new Allowances(shared, "allowances", maxKeys, WhenFull.Share);
    this.repeats = new Allowances(shared, "repeats", maxKeys, WhenFull.EvictOwn);
    const queues = new LimitQueues(shared.self, new WaitingWorkers(shared), turns, timer, clock);
    this.queues = queues;
    this.adaptive = new AdaptiveLimits(!rules.adaptive.isShadow, queues, clock);
    this.limited = new LimitedCallers(new Marks(shared, "limited"));
    this.clients = new Marks(shared, "limit-clients", CLIENT_BUCKETS);
    this.open = new OpenAdmissions(new Cancellations(new Marks(shared, "cancellations")));
  }

  /** Acquires a permit. Returns false if none is left. */
  acquire(key: u64, owner: u64, limit: u32): bool {
    if (!this.slots.isOwned && !this.slots.claim(this.clock.milliseconds)) return false;
    return this.permits.acquire(key, owner, limit);
  }

  /** Hash of the client name of a session; 0 if unknown. */
  clientOf(session: SessionKey): u64 {
    return session ? this.clients.get(session, 0) : 0;
  }

  receive(event: Event): void {
    switch (event.kind) {
      case EventKind.OperationStarted:
        if (event.operation!.admission && !event.isWaiting) this.started(event.stream, event.operation!);
        break;
      case EventKind.OperationAdmitted:
        if (event.operation!.admission && !event.operation!.isParked) this.started(event.stream, event.operation!);
        break;
      case EventKind.OperationWaiting:
        if (event.operation!.admission) this.open.remove(changetype<Admission>(event.operation!.admission));
        break;
      case EventKind.OperationDisconnected:
        if (event.operation!.admission) this.release(changetype<Admission>(event.operation!.admission));
        break;
      case EventKind.OperationCancelled:
        this.cancelled(event);
        break;
      case EventKind.OperationEnded:
        this.ended(event.stream, event.operation!);
        break;
      case EventKind.NameSeen:
        if (event.targetKind == TargetKind.Tool && event.stream.server) {
          this.tools.add(event.stream.server, keyedHash(event.name, event.nameLength));
        }
        break;
      case EventKind.ClientNamed:
        if (this.rules.needsClient && event.nameLength) {
          this.clients.set(event.session, 0, keyedHash(event.name, event.nameLength));
        }
        break;
    }
  }

  /** Called on each tick. `isSweeper` is true on one worker at a time. */
  tick(isSweeper: bool): void {
    const nowNs = this.clock.now();
    this.allowances.readCount();
    if (this.rules.limitsRepeats) this.repeats.readCount();
    this.permits.finishReleases();
    this.adaptive.tick();
    this.open.onTick();
    for (let found = this.open.nextCancelled(); found; found = this.open.nextCancelled()) this.release(found);
    this.limited.tick(nowNs / NANOSECONDS_PER_MILLISECOND, this.audit);
    if (!isSweeper) return;
    this.allowances.sweep(nowNs);
    if (this.rules.limitsRepeats) this.repeats.sweep(nowNs);
    if (this.rules.limitsConcurrency) this.permits.sweep(this.slots, nowNs / NANOSECONDS_PER_MILLISECOND);
  }

  /** Releases the permits of an admission, which keeps its other records. */
  release(admission: Admission): void {
    for (let i = 0; i < admission.count; i++) {
      const settlement = changetype<Settlement>(admission.record(i));
      if (settlement.kind != LimitKind.Concurrency || settlement.isDone) continue;
      settlement.isDone = true;
      this.giveBack(settlement.key, settlement.owner);
    }
  }

  /** Releases a permit that this worker has acquired, and wakes a request that waits for it. */
  giveBack(permit: u64, holder: u64): void {
    this.permits.release(permit, holder);
    if (this.rules.hasQueues) this.queues.released(lineOf(permit));
  }

  /** Settles, at the end of a stream, the admissions of requests that have not become operations. The filter did not
   *  read them as MCP, but a server may have. They share the cost of the response equally: a third of its bytes. */
  settleUnread(stream: Stream): void {
    let count: u64 = 0;
    for (let at = stream.admissions; at; at = changetype<Admission>(at).next) count++;
    const isAnswered = !stream.isRejected && stream.status < FIRST_ERROR_STATUS;
    const unread = isAnswered && count ? stream.responseSize / BYTES_PER_TOKEN / count : 0;
    for (let at = stream.admissions; at;) {
      const admission = changetype<Admission>(at);
      at = admission.next;
      this.release(admission);
      this.charge(admission, null, unread);
      admission.release();
    }
    stream.admissions = 0;
  }

  private started(stream: Stream, operation: Operation): void {
    const admission = changetype<Admission>(operation.admission);
    if (!stream.session.id || !Settlement.hasPermits(admission)) return;
    admission.session = this.sessions.keyOf(stream);
    admission.startedAt = operation.startedAt;
    this.open.add(admission);
  }

  private cancelled(event: Event): void {
    const admission = this.open.find(event.session, event.idKind, event.idHash);
    if (admission) this.release(admission);
    else this.queues.cancel(event.session, event.idKind, event.idHash);
  }

  private ended(stream: Stream, operation: Operation): void {
    if (isSuccess(operation.outcome) && targetKind(operation.method) == TargetKind.Tool && stream.server) {
      this.tools.add(stream.server, keyedHash(operation.name, operation.nameLength));
    }
    const isUnread = operation.outcome == Outcome.Undecoded;
    const unread = isUnread ? stream.unreadSize / BYTES_PER_TOKEN : 0;
    // Other operations of the stream must not be charged for the same bytes.
    if (isUnread) stream.readSize = stream.responseSize;
    if (!operation.admission) return;
    const admission = changetype<Admission>(operation.admission);
    this.open.remove(admission);
    this.release(admission);
    // A request that another filter has limited costs nothing. The client retries it, and pays then.
    if (!isRejection(operation.outcome)) this.charge(admission, operation, unread);
  }

  /** Charges each rule of an admission that limits tokens for an operation, null if none has begun, and for `unread`
   *  more tokens. */
  private charge(admission: Admission, operation: Operation | null, unread: u64): void {
    for (let i = 0; i < admission.count; i++) {
      const settlement = changetype<Settlement>(admission.record(i));
      if (settlement.kind != LimitKind.Tokens) continue;
      const rule = this.rules.ofScope(settlement.scope);
      if (!rule || !rule.tokens) continue;
      let cost = unread;
      for (let kind = 0; operation && kind < TOKEN_KIND_COUNT; kind++) {
        if (rule.tokenKinds & (1 << kind)) cost += operation.tokens(kind);
      }
      const scope = rule.scopeOf(LimitKind.Tokens);
      this.allowances.charge(scope, settlement.key, settlement.owner, cost, rule.tokens!, this.clock.now());
    }
  }
}
