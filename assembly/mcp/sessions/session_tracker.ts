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
import { Inserted, Sessions } from "../../store/sessions";
import { Events } from "../events";
import { ClientNumbers } from "./client_numbers";

/** How often a session's activity and operations are written to the store. */
const FLUSH_MS: u64 = 5000;

/** The most sessions that a worker keeps in its own memory. */
const SIGHTING_LIMIT: i32 = 8192;
/** Sessions that one tick writes to the store at most; the next tick continues. At the limit a round takes four ticks. */
const FLUSHES_PER_TICK: i32 = 2048;

/** What a worker has seen of a session and not yet written to the store. */
@unmanaged
class Sighting {
  hash: u64;
  activeAtMs: u64;
  flushedAtMs: u64;
  operations: u32;
  tokens: u64;
  hasNews: bool;
}

/**
 * Follows sessions from request to request. What a busy session does is gathered here and written to the store every few
 * seconds, so that an ordinary request touches no shared data.
 */
export class SessionTracker {
  private byHash: Table = new Table(256);
  /** The addresses of the sightings, {@link count} of them. */
  private list: StaticArray<usize> = new StaticArray<usize>(256);
  private count: i32 = 0;
  /** The index of the next sighting of the current round of ticks, which goes down to 0; -1: the next tick begins a round. */
  private next: i32 = -1;
  /** The index of the sighting that was dropped last to make room for a new one. */
  private oldest: i32 = 0;
  private entryBytes: StaticArray<u8> = new StaticArray<u8>(ENTRY_SIZE);

  /** @param idleSeconds how long a session may be idle. */
  constructor(
    private sessions: Sessions,
    private events: Events,
    private clients: ClientNumbers,
    private idleSeconds: u32,
  ) {}

  /** Marks a session as active. False where this worker does not remember it: then {@link begin} or {@link meet}. */
  touch(hash: u64, nowMs: u64): bool {
    const at = <usize>this.byHash.get(hash);
    if (!at) return false;
    const sighting = changetype<Sighting>(at);
    // What ended by the sweep may have ended earlier.
    if (hasCome(sighting.activeAtMs, nowMs)) sighting.activeAtMs = nowMs;
    sighting.hasNews = true;
    return true;
  }

  /** A session begins: its `initialize` was answered, or the first operation of a window has ended. `isLimited`: its caller
   *  may have only so many such windows. False where it has them already. */
  begin(
    hash: u64,
    kind: SessionKind,
    server: ServerKey,
    caller: CallerKey,
    revision: i32,
    nowMs: u64,
    clientName: usize,
    clientNameLength: u32,
    isLimited: bool,
  ): bool {
    const entry = this.describe(hash, kind, server, caller, revision, nowMs);
    // A name that has no window of its own takes no label value either.
    if (isLimited && this.sessions.lacksRoom(entry)) return false;
    if (clientNameLength) entry.client = this.clients.numberOf(clientName, clientNameLength);
    const inserted = this.insert(entry, isLimited);
    if (inserted == Inserted.New) this.events.sessionStarted(entry);
    return inserted != Inserted.TooMany;
  }

  /** The server accepted a request that carries this session's id. */
  meet(hash: u64, kind: SessionKind, server: ServerKey, caller: CallerKey, revision: i32, nowMs: u64): void {
    const entry = this.describe(hash, kind, server, caller, revision, nowMs);
    if (this.insert(entry, false) == Inserted.New) this.events.sessionAdopted(entry);
  }

  /** Counts operations of the session that have ended, and tokens. */
  add(hash: u64, operations: u32, tokens: u64, nowMs: u64): void {
    // An operation may last longer than this worker remembers its session.
    if (!this.touch(hash, nowMs)) {
      this.sessions.update(hash, operations, tokens, nowMs);
      return;
    }
    const sighting = changetype<Sighting>(<usize>this.byHash.get(hash));
    sighting.operations += operations;
    sighting.tokens += tokens;
  }

  /** The session has ended. What was gathered of it is written to the store first. */
  end(hash: u64, reason: SessionEnd, nowMs: u64): void {
    const at = <usize>this.byHash.get(hash);
    if (at) this.flush(changetype<Sighting>(at), nowMs);
    this.sessions.end(hash, reason, nowMs);
  }

  /** Writes what is due to the store, and forgets the sessions that have been silent since their last turn. */
  tick(nowMs: u64): void {
    let budget = FLUSHES_PER_TICK;
    let i = min(this.next, this.count - 1);
    if (i < 0) i = this.count - 1;
    for (; i >= 0 && budget > 0; i--) {
      const sighting = changetype<Sighting>(this.list[i]);
      if (isWithin(FLUSH_MS, sighting.flushedAtMs, nowMs)) continue;
      if (sighting.hasNews) budget--;
      if (!sighting.hasNews || !this.flush(sighting, nowMs)) this.forget(i);
    }
    this.next = i;
  }

  /** Writes all news to the store, and frees the sightings. The tracker must not be used any more. */
  close(nowMs: u64): void {
    for (let i = this.count - 1; i >= 0; i--) {
      this.flush(changetype<Sighting>(this.list[i]), nowMs);
      this.forget(i);
    }
  }

  private get entry(): SessionEntry {
    return changetype<SessionEntry>(changetype<usize>(this.entryBytes));
  }

  /** An entry for a session that begins now, whose client is unknown. Valid until the next call. */
  private describe(
    hash: u64,
    kind: SessionKind,
    server: ServerKey,
    caller: CallerKey,
    revision: i32,
    nowMs: u64,
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
    entry.caller = <u16>(caller & (CALLER_TAG_COUNT - 1));
    return entry;
  }

  private insert(entry: SessionEntry, isLimited: bool): Inserted {
    const inserted = this.sessions.insert(entry, isLimited);
    if (inserted == Inserted.New || inserted == Inserted.Active)
      this.remember(entry.hash, entry.startedAtMs, inserted == Inserted.Active);
    return inserted;
  }

  private remember(hash: u64, nowMs: u64, hasNews: bool): void {
    if (this.count == SIGHTING_LIMIT) this.giveUpOldest(nowMs);
    const at = pool.take();
    const sighting = changetype<Sighting>(at);
    sighting.hash = hash;
    sighting.activeAtMs = nowMs;
    sighting.flushedAtMs = nowMs;
    sighting.hasNews = hasNews;
    this.byHash.set(hash, at);
    if (this.count == this.list.length) {
      const larger = new StaticArray<usize>(this.count * 2);
      memory.copy(changetype<usize>(larger), changetype<usize>(this.list), this.count * sizeof<usize>());
      this.list = larger;
    }
    this.list[this.count++] = at;
  }

  /** Makes room for another session: the number of sightings is bounded, and so is the work of a tick. */
  private giveUpOldest(nowMs: u64): void {
    this.oldest = this.oldest < this.count - 1 ? this.oldest + 1 : 0;
    this.flush(changetype<Sighting>(this.list[this.oldest]), nowMs);
    this.forget(this.oldest);
  }

  /** Writes what was gathered to the store. False where the session has ended. */
  private flush(sighting: Sighting, nowMs: u64): bool {
    if (!sighting.hasNews) return true;
    const isActive = this.sessions.update(sighting.hash, sighting.operations, sighting.tokens, sighting.activeAtMs);
    sighting.operations = 0;
    sighting.tokens = 0;
    sighting.hasNews = false;
    sighting.flushedAtMs = nowMs;
    return isActive;
  }

  private forget(index: i32): void {
    const at = this.list[index];
    this.byHash.delete(changetype<Sighting>(at).hash);
    pool.release(at);
    this.list[index] = this.list[--this.count];
  }
}

const pool = new Pool(offsetof<Sighting>());
