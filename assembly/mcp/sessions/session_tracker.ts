import { CallerKey, ServerKey } from "../../identity/keys";
import { hasCome, isWithin } from "../../memory/elapsed";
import { Pool } from "../../memory/pool";
import { Table } from "../../memory/table";
import {
  CALLER_TAG_COUNT,
  ENTRY_SIZE,
  NO_CLIENT,
  SessionEnd,
  SessionEntry,
  SessionKind,
} from "../../store/session_entry";
import { SESSION_NEWS_SIZE, SessionNews } from "../../store/session_news";
import { Inserted, Sessions } from "../../store/sessions";
import { clients, isClients, servers } from "../../store/turn";
import { Events } from "../events";
import { ClientNumbers } from "./client_numbers";

/** The interval at which a session's activity and operations are written to the store. */
const FLUSH_MS: u64 = 5000;

/** The maximum number of sessions in a worker's memory. */
const SIGHTING_LIMIT: i32 = 8192;
/** The maximum number of sessions that one tick writes to the store; the next tick continues. With all sessions in use, a
 *  round takes four ticks. */
const FLUSHES_PER_TICK: i32 = 2048;

/** The maximum number of sessions whose open work a worker counts. */
const WORK_LIMIT: i32 = 4096;

if (WORK_LIMIT * 2 > SIGHTING_LIMIT) ERROR("Sessions with open work must leave room for other sessions.");

/** A worker's knowledge of a session. Pooled. */
@unmanaged
class Sighting {
  hash: u64;
  flushedAtMs: u64;
  /** The start of the session according to the store, in milliseconds; 0 if this worker has not read it. */
  startedAtMs: u64;
  /** The index in the tracker's list. */
  index: i32;
  /** The number of the client's operations that are open with the server on this worker, and of requests that wait for
   *  limits on it. */
  calls: u32;
  waits: u32;
  /** Whether the session is in the store, as far as this worker knows: the server accepted it. */
  isKnown: bool;
  /** Whether the latest flush did not find the session in the store. */
  isMissing: bool;
  /** Whether the session was active since the latest flush. */
  hasNews: bool;
  /** Whether the turn has changed to or from the client since the latest flush. */
  hasTurned: bool;

  @inline
  get news(): SessionNews {
    return changetype<SessionNews>(changetype<usize>(this) + NEWS_AT);
  }

  get hasWork(): bool {
    return (this.calls | this.waits) != 0;
  }

  /** Whether the session's state differs from that in the store. */
  get hasChangedState(): bool {
    const calls = this.calls != 0;
    const waits = this.waits != 0;
    return this.hasTurned || calls != this.news.hasCalled || waits != this.news.hasWaited;
  }
}

const NEWS_AT: usize = (offsetof<Sighting>() + 7) & ~7;

/**
 * Tracks sessions across requests. The activity of a busy session is collected in memory and written to the store every few
 * seconds, so that an ordinary request does not access shared data. A change of state is written at the next tick.
 */
export class SessionTracker {
  private byHash: Table = new Table(256);
  /** The addresses of the {@link count} sightings. */
  private list: StaticArray<usize> = new StaticArray<usize>(256);
  private count: i32 = 0;
  /** The index of the next sighting in the current round of ticks, which goes down to 0; -1: the next tick starts a round. */
  private next: i32 = -1;
  /** The index of the sighting that was last evicted to make room. */
  private oldest: i32 = 0;
  /** The number of sessions with open work. */
  private busy: i32 = 0;
  private entryBytes: StaticArray<u8> = new StaticArray<u8>(ENTRY_SIZE);
  private lateBytes: StaticArray<u8> = new StaticArray<u8>(<i32>SESSION_NEWS_SIZE);

  /** @param idleSeconds the idle timeout of sessions. */
  constructor(
    private sessions: Sessions,
    private events: Events,
    private clients: ClientNumbers,
    private idleSeconds: u32,
  ) {}

  /** Marks a session as active. False if this worker does not know it; then call {@link begin} or {@link meet}. */
  touch(hash: u64, nowMs: u64): bool {
    const sighting = this.find(hash);
    if (!sighting || !sighting.isKnown) return false;
    // An operation that the sweep ended may have ended earlier.
    if (hasCome(sighting.news.activeAtMs, nowMs)) sighting.news.activeAtMs = nowMs;
    sighting.hasNews = true;
    return true;
  }

  /** Starts a session, after a response to its `initialize` or the end of the first operation of a window. `startedAtMs`:
   *  when that request was sent, at most `nowMs`. `isLimited`: the session is a window, and its caller may have only a
   *  limited number of these. `traceHigh`, `traceLow`: see {@link SessionEntry}. False if the caller has reached that limit. */
  begin(
    hash: u64,
    kind: SessionKind,
    server: ServerKey,
    caller: CallerKey,
    revision: i32,
    startedAtMs: u64,
    nowMs: u64,
    clientName: usize,
    clientNameLength: u32,
    isLimited: bool,
    traceHigh: u64 = 0,
    traceLow: u64 = 0,
  ): bool {
    const entry = this.describe(hash, kind, server, caller, revision, nowMs, traceHigh, traceLow);
    entry.startedAtMs = startedAtMs;
    // A name without its own window does not use up a label value either.
    if (isLimited && this.sessions.lacksRoom(entry)) return false;
    if (clientNameLength) entry.client = this.clients.numberOf(clientName, clientNameLength);
    const inserted = this.insert(entry, isLimited);
    if (inserted == Inserted.New) this.events.sessionStarted(entry);
    return inserted != Inserted.TooMany;
  }

  /** Registers a session whose id the server accepted in a request. It has been known since `startedAtMs`, at most `nowMs`. */
  meet(
    hash: u64,
    kind: SessionKind,
    server: ServerKey,
    caller: CallerKey,
    revision: i32,
    startedAtMs: u64,
    nowMs: u64,
    traceHigh: u64 = 0,
    traceLow: u64 = 0,
  ): void {
    const entry = this.describe(hash, kind, server, caller, revision, nowMs, traceHigh, traceLow);
    entry.startedAtMs = startedAtMs;
    if (this.insert(entry, false) == Inserted.New) this.events.sessionAdopted(entry);
  }

  /** Adds ended operations and tokens to a session. */
  add(hash: u64, operations: u32, tokens: u64, nowMs: u64): void {
    // An operation may last longer than this worker keeps its session in memory.
    if (!this.touch(hash, nowMs)) {
      const news = this.lateNews;
      memory.fill(changetype<usize>(news), 0, SESSION_NEWS_SIZE);
      news.operations = operations;
      news.tokens = tokens;
      news.activeAtMs = nowMs;
      this.sessions.update(hash, news, nowMs);
      return;
    }
    const news = this.find(hash)!.news;
    news.operations += operations;
    news.tokens += tokens;
  }

  /** The start of an active session in milliseconds, the same on all workers; 0 if there is none. */
  startOf(hash: u64): u64 {
    const sighting = this.find(hash);
    return sighting && sighting.isKnown ? sighting.startedAtMs : this.sessions.startOf(hash);
  }

  /** Records that a span of the session was kept although its trace is not sampled. */
  trace(hash: u64, nowMs: u64): void {
    const sighting = this.find(hash);
    if (sighting && sighting.isKnown) {
      sighting.news.isTraced = true;
      sighting.hasNews = true;
      return;
    }
    const news = this.lateNews;
    memory.fill(changetype<usize>(news), 0, SESSION_NEWS_SIZE);
    news.isTraced = true;
    this.sessions.update(hash, news, nowMs);
  }

  /** The client has sent a request, so it is no longer its turn. */
  turnToServer(hash: u64, nowMs: u64): void {
    const sighting = this.find(hash);
    if (!sighting) return;
    if (isClients(sighting.news.turn)) sighting.hasTurned = true;
    sighting.news.turn = servers(nowMs);
  }

  /** A response has asked the client for input. It is the client's turn until it sends another request in the session, to
   *  any worker. */
  turnToClient(hash: u64, nowMs: u64): void {
    const sighting = this.findOrAdd(hash, nowMs);
    if (!sighting) return;
    sighting.hasTurned = true;
    sighting.news.turn = clients(nowMs);
  }

  /** Counts an operation that is open with the server, or with `waits` a request that waits for limits. The session need not
   *  exist. Returns whether {@link endWork} must follow; false if there is too much open work to count it. */
  beginWork(hash: u64, waits: bool, nowMs: u64): bool {
    const found = this.find(hash);
    const isBusy = found != null && found.hasWork;
    if (!isBusy && this.busy == WORK_LIMIT) return false;
    const sighting = found ? found : this.findOrAdd(hash, nowMs);
    if (!sighting) return false;
    if (!isBusy) this.busy++;
    if (waits) sighting.waits++;
    else sighting.calls++;
    return true;
  }

  /** Ends work that {@link beginWork} has counted. Does nothing if the tracker is closed. */
  endWork(hash: u64, waits: bool): void {
    const sighting = this.find(hash);
    if (!sighting || !(waits ? sighting.waits : sighting.calls)) return;
    if (waits) sighting.waits--;
    else sighting.calls--;
    if (sighting.hasWork) return;
    this.busy--;
    // The server has not accepted the session, so it need not be written to the store.
    if (!sighting.isKnown && !sighting.hasChangedState) this.forget(sighting.index);
  }

  /** Ends a session, after writing its collected activity to the store. */
  end(hash: u64, reason: SessionEnd, nowMs: u64): void {
    const sighting = this.find(hash);
    if (sighting) this.flush(sighting, nowMs);
    this.sessions.end(hash, reason, nowMs);
  }

  /** Writes sessions that are due to the store, and removes those without activity since their last round from memory. */
  tick(nowMs: u64): void {
    let budget = FLUSHES_PER_TICK;
    let i = min(this.next, this.count - 1);
    if (i < 0) i = this.count - 1;
    for (; i >= 0 && budget > 0; i--) {
      const sighting = changetype<Sighting>(this.list[i]);
      const isDue = !isWithin(FLUSH_MS, sighting.flushedAtMs, nowMs);
      if (!isDue && (sighting.isMissing || !sighting.hasChangedState)) continue;
      const isSilent = !sighting.hasNews && !sighting.hasWork;
      if (!isSilent || sighting.hasChangedState) {
        budget--;
        this.flush(sighting, nowMs);
      }
      if (sighting.hasWork) continue;
      if (sighting.isMissing || !sighting.isKnown || (isSilent && isDue)) this.forget(i);
    }
    this.next = i;
  }

  /** Writes all news to the store and releases the sightings. The tracker must not be used afterwards. */
  close(nowMs: u64): void {
    for (let i = this.count - 1; i >= 0; i--) {
      const sighting = changetype<Sighting>(this.list[i]);
      sighting.calls = 0;
      sighting.waits = 0;
      this.flush(sighting, nowMs);
      this.forget(i);
    }
    this.busy = 0;
  }

  /** A buffer for news of a session without a sighting. */
  private get lateNews(): SessionNews {
    return changetype<SessionNews>(changetype<usize>(this.lateBytes));
  }

  private get entry(): SessionEntry {
    return changetype<SessionEntry>(changetype<usize>(this.entryBytes));
  }

  /** An entry for a session that starts now, with an unknown client. Valid until the next call. */
  private describe(
    hash: u64,
    kind: SessionKind,
    server: ServerKey,
    caller: CallerKey,
    revision: i32,
    nowMs: u64,
    traceHigh: u64,
    traceLow: u64,
  ): SessionEntry {
    const entry = this.entry;
    memory.fill(changetype<usize>(entry), 0, ENTRY_SIZE);
    entry.hash = hash;
    entry.startedAtMs = nowMs;
    entry.activeAtMs = nowMs;
    entry.idleSeconds = this.idleSeconds;
    entry.server = server;
    entry.revision = <u16>revision;
    entry.client = NO_CLIENT;
    entry.kind = <u8>kind;
    entry.traceHigh = traceHigh;
    entry.traceLow = traceLow;
    entry.caller = <u16>(caller & (CALLER_TAG_COUNT - 1));
    return entry;
  }

  private insert(entry: SessionEntry, isLimited: bool): Inserted {
    const inserted = this.sessions.insert(entry, isLimited);
    if (inserted == Inserted.New || inserted == Inserted.Active)
      this.remember(entry.hash, entry.startedAtMs, entry.activeAtMs, inserted == Inserted.Active);
    return inserted;
  }

  private remember(hash: u64, startedAtMs: u64, nowMs: u64, hasNews: bool): void {
    let sighting = this.find(hash);
    if (!sighting) {
      if (this.count == SIGHTING_LIMIT) this.evictOldest(nowMs);
      sighting = this.append(hash, nowMs);
    }
    sighting.startedAtMs = startedAtMs;
    sighting.news.activeAtMs = nowMs;
    sighting.hasNews = hasNews;
    sighting.isKnown = true;
    sighting.isMissing = false;
  }

  private find(hash: u64): Sighting | null {
    const at = <usize>this.byHash.get(hash);
    return at ? changetype<Sighting>(at) : null;
  }

  /** Finds or adds a session. Null if there is no room, since known sessions are not evicted for it. */
  private findOrAdd(hash: u64, nowMs: u64): Sighting | null {
    const found = this.find(hash);
    if (found || this.count == SIGHTING_LIMIT) return found;
    return this.append(hash, nowMs);
  }

  private append(hash: u64, nowMs: u64): Sighting {
    const at = pool.acquire();
    const sighting = changetype<Sighting>(at);
    sighting.hash = hash;
    sighting.flushedAtMs = nowMs;
    sighting.index = this.count;
    this.byHash.set(hash, at);
    if (this.count == this.list.length) {
      const larger = new StaticArray<usize>(this.count * 2);
      memory.copy(changetype<usize>(larger), changetype<usize>(this.list), this.count * sizeof<usize>());
      this.list = larger;
    }
    this.list[this.count++] = at;
    return sighting;
  }

  /** Evicts a session from memory to make room for another one. This bounds the memory and the work of a tick. */
  private evictOldest(nowMs: u64): void {
    let sighting: Sighting;
    do {
      this.oldest = this.oldest < this.count - 1 ? this.oldest + 1 : 0;
      sighting = changetype<Sighting>(this.list[this.oldest]);
    } while (sighting.hasWork);
    this.flush(sighting, nowMs);
    this.forget(this.oldest);
  }

  /** Writes the session's news to the store. */
  private flush(sighting: Sighting, nowMs: u64): void {
    if (!sighting.hasNews && !sighting.hasWork && !sighting.hasChangedState) return;
    const news = sighting.news;
    news.calls = sighting.calls != 0;
    news.waits = sighting.waits != 0;
    const isActive = this.sessions.update(sighting.hash, news, nowMs);
    news.operations = 0;
    news.tokens = 0;
    news.isTraced = false;
    news.hasCalled = isActive && news.calls;
    news.hasWaited = isActive && news.waits;
    sighting.isMissing = !isActive;
    if (!isActive) sighting.isKnown = false;
    sighting.hasNews = false;
    sighting.hasTurned = false;
    sighting.flushedAtMs = nowMs;
  }

  private forget(index: i32): void {
    const at = this.list[index];
    const last = this.list[--this.count];
    this.list[index] = last;
    changetype<Sighting>(last).index = index;
    this.byHash.delete(changetype<Sighting>(at).hash);
    pool.release(at);
  }
}

const pool = new Pool(NEWS_AT + SESSION_NEWS_SIZE);
