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
import { Slots } from "../../store/primitives/slots";
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

/** Sessions whose client is remembered, and tools of servers: 32 a bucket. */
const CLIENT_BUCKETS: i32 = 1024;
const TOOL_BUCKETS: i32 = 256;

/**
 * What callers have used up of the limits of a counting unit. It takes and gives back for requests that are decided, and, as
 * a sink, settles what is known only once their operations end: tokens are charged, and permits released.
 */
export class Ledger extends EventSink {
  readonly tools: KnownTools;
  readonly permits: Permits;
  /** Of requests and tokens. */
  readonly allowances: Allowances;
  readonly repeats: Allowances;
  readonly limited: LimitedCallers;
  /** Calls of tools in flight, and how many may be. */
  readonly adaptive: AdaptiveLimits;
  /** The requests that wait. */
  readonly queues: LimitQueues;
  private clients: Marks;
  private open: OpenAdmissions;

  /** @param shared the state of the counting unit, and `slots` those of its workers. */
  constructor(
    readonly rules: LimitRules,
    private shared: Store,
    private slots: Slots,
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

  /** Acquires a permit. False where none is left. */
  acquire(key: u64, owner: u64, limit: u32): bool {
    if (!this.slots.isOwned && !this.slots.claim(this.clock.milliseconds)) return false;
    return this.permits.acquire(key, owner, limit);
  }

  /** The hash of the name of the session's client; 0 where it is not known. */
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

  /** To be called on each tick: `isSweeper` on one worker at a time. */
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

  /** Releases a permit that a worker has acquired: a request that waits for it may be next. */
  giveBack(permit: u64, holder: u64): void {
    this.permits.release(permit, holder);
    if (this.rules.hasQueues) this.queues.released(lineOf(permit));
  }

  /** Settles the admissions of a stream that ends whose requests have not become operations: the filter does not read them as
   *  MCP, but a server may have. In equal parts they cost a third of the bytes of its answers. */
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
    // Other operations of the stream do not cost the same bytes.
    if (isUnread) stream.readSize = stream.responseSize;
    if (!operation.admission) return;
    const admission = changetype<Admission>(operation.admission);
    this.open.remove(admission);
    this.release(admission);
    // The client tries again what another filter has limited, and pays then.
    if (!isRejection(operation.outcome)) this.charge(admission, operation, unread);
  }

  /** Charges each rule of an admission that limits tokens for what the operation has cost, null where none has begun, and for
   *  `unread` tokens besides. */
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
