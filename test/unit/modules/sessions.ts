import { ENTRY_SIZE, SessionEnd, SessionEntry, SessionKind } from "../../../assembly/store/session_entry";
import { SESSION_NEWS_SIZE, SessionNews } from "../../../assembly/store/session_news";
import { SessionState } from "../../../assembly/store/session_state";
import { Inserted, SessionListener, Sessions } from "../../../assembly/store/sessions";
import { Store } from "../../../assembly/store/primitives/store";
import { openStore } from "./common/store";

// @ts-ignore: decorator
@external("trace", "ended")
declare function traceEnded(server: i32, end: SessionEnd): void;

// @ts-ignore: decorator
@external("trace", "settled")
declare function traceSettled(server: i32, end: SessionEnd, operations: u32, tokens: u64, endedAt: u64): void;

// @ts-ignore: decorator
@external("trace", "counted")
declare function traceCounted(server: i32): void;

/** Identifies sessions by their server's index, which the test makes unique. */
class Listener extends SessionListener {
  sessionEnded(entry: SessionEntry): void {
    traceEnded(<i32>entry.server, entry.end);
  }

  sessionSettled(entry: SessionEntry): void {
    traceSettled(<i32>entry.server, entry.end, entry.operations, entry.tokens, entry.endedAtMs);
  }

  sessionCounted(entry: SessionEntry, state: SessionState): void {
    traceCounted(<i32>entry.server);
  }
}

let shared: Store = openStore(1, 0);
let sessions: Sessions = new Sessions(shared, 1, new Listener());
const newsBytes = new StaticArray<u8>(<i32>SESSION_NEWS_SIZE);
const entry = changetype<SessionEntry>(heap.alloc(ENTRY_SIZE));

export function create(self: u64, space: i32, max: i32): void {
  shared = openStore(self, space);
  sessions = new Sessions(shared, max, new Listener());
}

export function insert(hash: u64, server: i32, idleSeconds: u32, now: u64, caller: u16, isLimited: bool): Inserted {
  memory.fill(changetype<usize>(entry), 0, ENTRY_SIZE);
  entry.hash = hash;
  entry.startedAtMs = now;
  entry.activeAtMs = now;
  entry.idleSeconds = idleSeconds;
  entry.server = server;
  entry.kind = <u8>SessionKind.Window;
  entry.caller = caller;
  return sessions.insert(entry, isLimited);
}

export function update(hash: u64, operations: u32, tokens: u64, now: u64): bool {
  const news = changetype<SessionNews>(changetype<usize>(newsBytes));
  news.operations = operations;
  news.tokens = tokens;
  news.activeAtMs = now;
  return sessions.update(hash, news, now);
}

export function end(hash: u64, reason: SessionEnd, now: u64): void {
  sessions.end(hash, reason, now);
}

export function sweep(now: u64): bool {
  return sessions.sweep(now);
}

/** The number of changes that were abandoned since the last call. */
export function conflicts(): u32 {
  const count = shared.conflicts;
  shared.conflicts = 0;
  return count;
}
