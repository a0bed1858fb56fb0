import { Event, EventKind } from "../../../assembly/mcp/event";
import { EventSink } from "../../../assembly/mcp/event_sink";
import { Events } from "../../../assembly/mcp/events";
import { ClientNumbers } from "../../../assembly/mcp/sessions/client_numbers";
import { SessionEvents } from "../../../assembly/mcp/sessions/session_events";
import { SessionTracker } from "../../../assembly/mcp/sessions/session_tracker";
import { WaitingSessions } from "../../../assembly/mcp/sessions/waiting_sessions";
import { SessionEnd, SessionKind } from "../../../assembly/store/session_entry";
import { SessionState } from "../../../assembly/store/session_state";
import { Sessions } from "../../../assembly/store/sessions";
import { openStore } from "./common/store";

// @ts-ignore: decorator
@external("trace", "started")
declare function traceStarted(hash: u64, kind: SessionKind, revision: i32): void;

// @ts-ignore: decorator
@external("trace", "adopted")
declare function traceAdopted(hash: u64): void;

// @ts-ignore: decorator
@external("trace", "ended")
declare function traceEnded(server: i32, end: SessionEnd): void;

// @ts-ignore: decorator
@external("trace", "settled")
declare function traceSettled(server: i32, operations: u32, tokens: u64, lasted: i64): void;

// @ts-ignore: decorator
@external("trace", "counted")
declare function traceCounted(hash: u64, state: SessionState): void;

class Observer extends EventSink {
  receive(event: Event): void {
    const entry = event.entry;
    switch (event.kind) {
      case EventKind.SessionStarted:
        return traceStarted(entry.hash, entry.kind, entry.revision);
      case EventKind.SessionAdopted:
        return traceAdopted(entry.hash);
      case EventKind.SessionEnded:
        return traceEnded(<i32>entry.server, entry.end);
      case EventKind.SessionSettled: {
        const lasted = <i64>(entry.endedAtMs - entry.startedAtMs);
        return traceSettled(<i32>entry.server, entry.operations, entry.tokens, lasted);
      }
      case EventKind.SessionCounted:
        return traceCounted(entry.hash, event.sessionState);
    }
  }
}

class Numbers extends ClientNumbers {
  numberOf(name: usize, length: i32): u8 {
    return 1;
  }
}

const MAX: i32 = 65536;
const events = new Events();
events.add(new Observer());
let sessions: Sessions = new Sessions(openStore(1, 0), MAX, new SessionEvents(events, new WaitingSessions()));
let tracker: SessionTracker = new SessionTracker(sessions, events, new Numbers(), 0);

export function create(self: u64, space: i32, idleSeconds: u32): void {
  sessions = new Sessions(openStore(self, space), MAX, new SessionEvents(events, new WaitingSessions()));
  tracker = new SessionTracker(sessions, events, new Numbers(), idleSeconds);
}

export function begin(hash: u64, kind: SessionKind, server: i32, revision: i32, now: u64): void {
  if (!tracker.touch(hash, now)) tracker.begin(hash, kind, server, 1, revision, now, now, 0, 0, false);
}

export function meet(hash: u64, server: i32, revision: i32, now: u64): void {
  if (!tracker.touch(hash, now)) tracker.meet(hash, SessionKind.Streamable, server, 1, revision, now, now);
}

export function add(hash: u64, operations: u32, tokens: u64, now: u64): void {
  tracker.add(hash, operations, tokens, now);
}

export function beginWork(hash: u64, waits: bool, now: u64): bool {
  return tracker.beginWork(hash, waits, now);
}

export function endWork(hash: u64, waits: bool): void {
  tracker.endWork(hash, waits);
}

export function turnToServer(hash: u64, now: u64): void {
  tracker.turnToServer(hash, now);
}

export function turnToClient(hash: u64, now: u64): void {
  tracker.turnToClient(hash, now);
}

export function close(now: u64): void {
  tracker.close(now);
}

export function end(hash: u64, reason: SessionEnd, now: u64): void {
  tracker.end(hash, reason, now);
}

export function tick(now: u64): void {
  tracker.tick(now);
}

export function sweep(now: u64): void {
  sessions.sweep(now);
}
