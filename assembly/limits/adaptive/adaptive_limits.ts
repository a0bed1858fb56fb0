import { Clock } from "../../host/clock";
import { ServerKey, ToolKey } from "../../identity/keys";
import { Event, EventKind } from "../../mcp/event";
import { EventSink } from "../../mcp/event_sink";
import { Method } from "../../mcp/protocol/methods";
import { Outcome, isSuccess } from "../../mcp/protocol/outcome";
import { Operation } from "../../mcp/state/operation";
import { Stream } from "../../mcp/state/stream";
import { mix } from "../../memory/bytes";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../../memory/elapsed";
import { keyedHash, neverZero } from "../../memory/keyed_hash";
import { Table } from "../../memory/table";
import { LimitQueues } from "../queue/limit_queues";
import { CallEnd, ConcurrencyLimit } from "./concurrency_limit";
import { SeldomTools } from "./seldom_tools";
import { ToolClass } from "./tool_class";

/** Classes of a worker: what has no room is in the last one. */
const CLASS_LIMIT: i32 = 256;
/** A class without calls for this time is forgotten. */
const UNUSED_NS: u64 = 600_000 * NANOSECONDS_PER_MILLISECOND;
/** Classes that a tick looks at. */
const CHECKED_PER_TICK: i32 = 32;
/** A tool whose calls mostly take longer is a class of its own at once, and is not measured together with others. */
const SLOW_NS: u64 = 10_000 * NANOSECONDS_PER_MILLISECOND;
/** Tells the lines of classes from those of rules. */
const LINES: u64 = 0x9d5a_c1e8_7b3f_2461;
/** Too many requests. */
const TOO_MANY: i32 = 429;

/**
 * The calls of tools in flight on this worker, and how many may be: by server and tool, learnt from the calls themselves. A tool
 * that is called seldom shares the limit of such tools of its server. As a sink it counts calls, without any call of the host.
 */
export class AdaptiveLimits extends EventSink {
  /** Null where a class was forgotten. */
  private classes: Array<ToolClass | null> = [];
  /** Indices in `classes` + 1 by key. */
  private byKey: Table = new Table(64);
  private seldom: SeldomTools = new SeldomTools();
  private nextChecked: i32 = 0;

  /** @param isEnforced whether calls beyond the limits are kept from servers. */
  constructor(
    readonly isEnforced: bool,
    private queues: LimitQueues,
    private clock: Clock,
  ) {
    super();
    this.open(0, 0, 0);
  }

  /** The class of a tool's calls. */
  classOf(server: ServerKey, tool: ToolKey): ToolClass {
    const own = tool ? this.find(keyOf(server, tool)) : null;
    if (own) return own;
    const key = keyOf(server, 0);
    const shared = this.find(key);
    return shared ? shared : this.open(server, 0, key);
  }

  /** Whether another call may begin, beside `more` that the same request brings. What is more than all that may be in flight
   *  begins alone. */
  admits(tools: ToolClass, more: u32): bool {
    const inFlight = tools.limit.inFlight;
    return inFlight == 0 || inFlight + more < tools.limit.limit(<f64>this.clock.now());
  }

  /** The calls of a class that may be in flight now. */
  limitOf(tools: ToolClass): u32 {
    return tools.limit.limit(<f64>this.clock.now());
  }

  /** The key of the line in which requests wait for a call of the class to end. */
  lineOf(tools: ToolClass): u64 {
    return neverZero(mix(LINES ^ tools.key));
  }

  /** Classes at present, forgotten ones included. */
  get count(): i32 {
    return this.classes.length;
  }

  /** The class of an index; null for a forgotten one. */
  at(index: i32): ToolClass | null {
    return this.classes[index];
  }

  receive(event: Event): void {
    switch (event.kind) {
      case EventKind.OperationStarted:
        if (!event.isWaiting && !event.stream.isQueued) this.start(event.stream, event.operation!);
        break;
      case EventKind.OperationAdmitted:
        if (!event.operation!.isParked) this.start(event.stream, event.operation!);
        break;
      case EventKind.OperationWaiting:
        // Its answer comes to any worker.
        this.end(event.operation!, CallEnd.Ignored);
        break;
      case EventKind.OperationEnded:
        this.ended(event.stream, event.operation!);
        break;
    }
  }

  /** To be called on each tick: forgets classes without calls, and lets on what time has brought. */
  tick(): void {
    const now = this.clock.now();
    for (let i = 0; i < CHECKED_PER_TICK; i++) {
      if (this.nextChecked >= this.classes.length) this.nextChecked = 0;
      const index = this.nextChecked++;
      const tools = this.classes[index];
      // The first one is always there.
      if (!tools || index == 0) continue;
      if (tools.limit.inFlight || elapsed(tools.usedAt, now) < UNUSED_NS) continue;
      this.byKey.delete(tools.key);
      this.classes[index] = null;
    }
  }

  private start(stream: Stream, operation: Operation): void {
    if (operation.method != Method.ToolsCall || operation.fromServer || stream.isRejected || !stream.server) return;
    const tools = this.classOf(stream.server, toolOf(operation));
    // The time of its headers, or of its admission, costs no call of the host.
    const now = operation.startedAt;
    tools.usedAt = now;
    operation.toolClass = <u16>this.byKey.get(tools.key);
    operation.callToken = tools.limit.start(<f64>now);
  }

  private ended(stream: Stream, operation: Operation): void {
    const toolClass = operation.toolClass;
    if (!toolClass) return;
    const tools = this.classes[toolClass - 1]!;
    let end = endOf(operation.outcome, stream.status);
    if (!tools.tool) {
      const isSlow = elapsed(operation.startedAt, this.clock.now()) > SLOW_NS;
      // Only a tool that the server has: callers invent names.
      if (isSuccess(operation.outcome)) this.answered(stream.server, toolOf(operation), isSlow);
      if (isSlow && end == CallEnd.Answered) end = CallEnd.Ignored;
    }
    this.end(operation, end);
  }

  private answered(server: ServerKey, tool: ToolKey, isSlow: bool): void {
    if (!tool || !server) return;
    const key = keyOf(server, tool);
    if (this.seldom.add(key, isSlow)) this.open(server, tool, key);
  }

  private end(operation: Operation, end: CallEnd): void {
    const toolClass = operation.toolClass;
    if (!toolClass) return;
    operation.toolClass = 0;
    const tools = this.classes[toolClass - 1]!;
    const now = this.clock.now();
    tools.usedAt = now;
    tools.limit.end(<f64>now, <f64>operation.startedAt, operation.callToken, end);
    if (this.isEnforced) this.queues.releasedHere(this.lineOf(tools));
  }

  private find(key: u64): ToolClass | null {
    const index = <i32>this.byKey.get(key);
    return index ? this.classes[index - 1] : null;
  }

  /** Opens a class if there is room. Returns it, or the first one, which all others share. */
  private open(server: ServerKey, tool: ToolKey, key: u64): ToolClass {
    let index = this.classes.indexOf(null);
    if (index < 0) {
      if (this.classes.length == CLASS_LIMIT) return this.classes[0]!;
      index = this.classes.length;
      this.classes.push(null);
    }
    const tools = new ToolClass(server, tool, neverZero(key), this.isEnforced);
    tools.usedAt = this.clock.now();
    this.classes[index] = tools;
    this.byKey.set(tools.key, index + 1);
    return tools;
  }
}

function keyOf(server: ServerKey, tool: ToolKey): u64 {
  return neverZero(mix(server ^ mix(tool)));
}

/** The key of the tool that a call names; 0 where it names none. */
function toolOf(operation: Operation): ToolKey {
  return operation.nameLength ? keyedHash(operation.name, operation.nameLength) : 0;
}

/** What the end of a call says of its server. `status`: of its response. */
function endOf(outcome: Outcome, status: i32): CallEnd {
  switch (outcome) {
    case Outcome.Ok:
    case Outcome.ToolError:
    case Outcome.RpcError:
      return CallEnd.Answered;
    case Outcome.UpstreamError:
    case Outcome.Unanswered:
      return CallEnd.Failed;
    case Outcome.HttpError:
      return status == TOO_MANY ? CallEnd.Failed : CallEnd.Ignored;
    default:
      return CallEnd.Ignored;
  }
}
