import { Clock } from "../../host/clock";
import { Endpoints } from "../../store/endpoints";
import { Marks } from "../../store/primitives/marks";
import { Secret } from "../../store/primitives/secret";
import { ToolLists } from "../../store/tool_lists";
import { ClientNames } from "../sessions/client_names";
import { Observer } from "./observer";
import { OperationLog } from "../operations/operation_log";
import { PendingOperations } from "../operations/pending_operations";
import { SessionTracker } from "../sessions/session_tracker";
import { Tasks } from "../tools/tasks";
import { TokenSettings } from "../protocol/token_kinds";
import { ToolObserver } from "../tools/tool_observer";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";

/** What an exchange leaves its traces in: the state and the statistics of one instance and role. */
export class CountingUnit {
  constructor(
    readonly observer: Observer,
    readonly toolObserver: ToolObserver,
    readonly log: OperationLog,
    readonly sessions: SessionTracker,
    readonly pending: PendingOperations,
    /** The requests that were cancelled. */
    readonly cancellations: Marks,
    /** What the pages of lists have come to in tokens, and one more. */
    readonly listedTokens: Marks,
    readonly toolLists: ToolLists,
    readonly tasks: Tasks,
    readonly endpoints: Endpoints,
    /** Null where nobody wants to know. */
    readonly clientNames: ClientNames | null,
    readonly secret: Secret,
    readonly tokens: TokenSettings,
    private clock: Clock,
  ) {}

  /** The time, in nanoseconds. */
  nanoseconds(): u64 {
    return this.clock.now();
  }

  /** The time, in milliseconds. */
  milliseconds(): u64 {
    return this.clock.now() / NANOSECONDS_PER_MILLISECOND;
  }
}
