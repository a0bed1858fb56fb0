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

/** Maximum number of classes on a worker. Once it is reached, further tools share the first class. */
const CLASS_LIMIT: i32 = 256;
/** Time without calls, in nanoseconds, after which a class is removed. */
const UNUSED_NS: u64 = 600_000 * NANOSECONDS_PER_MILLISECOND;
/** Number of classes that one tick checks. */
const CHECKED_PER_TICK: i32 = 32;
/**
 * Latency in nanoseconds of slow calls. A tool with mostly slow calls gets its own class early, and slow calls are not
 * measured together with those of other tools.
 */
const SLOW_NS: u64 = 10_000 * NANOSECONDS_PER_MILLISECOND;
/** Distinguishes the keys of lines of classes from those of lines of rules. */
const LINES: u64 = 0x9d5a_c1e8_7b3f_2461;
/** HTTP status "Too Many Requests". */
const TOO_MANY: i32 = 429;

/**
 * The concurrency limits of tool calls on this worker, by server and tool, learned from the calls themselves. Rarely
 * called tools of a server share one limit. As a sink it counts the calls in flight, without host calls.
 */
export class AdaptiveLimits extends EventSink {
  /** The classes; null for a removed one. */
  private classes: Array<ToolClass | null> = [];
  /** Index in `classes` + 1, by key. */
  private byKey: Table = new Table(64);
  private seldom: SeldomTools = new SeldomTools();
  private nextChecked: i32 = 0;

  /** @param isEnforced whether calls beyond the limits are kept from servers */
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

  /** Whether another call may begin, in addition to `more` calls of the same request. A request with more calls than
   *  the limit is admitted alone. */
  admits(tools: ToolClass, more: u32): bool {
    const inFlight = tools.limit.inFlight;
    return inFlight == 0 || inFlight + more < tools.limit.limit(<f64>this.clock.now());
  }

  /** The maximum number of calls of a class in flight, now. */
  limitOf(tools: ToolClass): u32 {
    return tools.limit.limit(<f64>this.clock.now());
  }

  /** The key of the line in which requests wait for a call of the class to end. */
  lineOf(tools: ToolClass): u64 {
    return neverZero(mix(LINES ^ tools.key));
  }

  /** Number of classes, including removed ones. */
  get count(): i32 {
    return this.classes.length;
  }

  /** The class of an index; null for a removed one. */
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
        // The response may arrive at any worker.
        this.end(event.operation!, CallEnd.Ignored);
        break;
      case EventKind.OperationEnded:
        this.ended(event.stream, event.operation!);
        break;
    }
  }

  /** Called on each tick: removes classes without calls. */
  tick(): void {
    const now = this.clock.now();
    for (let i = 0; i < CHECKED_PER_TICK; i++) {
      if (this.nextChecked >= this.classes.length) this.nextChecked = 0;
      const index = this.nextChecked++;
      const tools = this.classes[index];
      // The first class is never removed.
      if (!tools || index == 0) continue;
      if (tools.limit.inFlight || elapsed(tools.usedAt, now) < UNUSED_NS) continue;
      this.byKey.delete(tools.key);
      this.classes[index] = null;
    }
  }

  private start(stream: Stream, operation: Operation): void {
    if (operation.method != Method.ToolsCall || operation.fromServer || stream.isRejected || !stream.server) return;
    const tools = this.classOf(stream.server, toolOf(operation));
    // The time of the headers or of the admission, which needs no host call.
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
      // Only a success proves that the server has the tool. Callers may invent names.
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

  /** Adds a class and returns it. If there is no room, returns the first class, which then is shared. */
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

/** The key of the tool that a call names; 0 if it names none. */
function toolOf(operation: Operation): ToolKey {
  return operation.nameLength ? keyedHash(operation.name, operation.nameLength) : 0;
}

/** What the end of a call indicates about its server. `status` is the HTTP status of the response. */
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
