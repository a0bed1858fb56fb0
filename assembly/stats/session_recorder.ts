import { elapsed } from "../memory/elapsed";
import { SessionEnd, SessionEntry } from "../store/session_entry";
import { Family, OverflowingLabel } from "./catalogue";
import { Gauges } from "./gauges";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { NOBODY } from "./metric_key";
import { MetricTable } from "./metric_table";

/** Turns the births and deaths of sessions into metrics, in the worker that decided them. */
export class SessionRecorder {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private gauges: Gauges,
    private measuresTokens: bool,
  ) {}

  sessionStarted(entry: SessionEntry, clientName: usize, clientNameLength: u32): void {
    const client = clientNameLength ? this.labels.clients.admit(clientName, clientNameLength, true) : NOBODY;
    this.chooseServer(entry);
    if (client == OTHER_INDEX) this.table.count(Family.LabelOverflow, OverflowingLabel.ClientName, 0, 1);
    this.table.chooseWho(client);
    this.table.count(Family.SessionsStarted, entry.kind, entry.revision, 1);
  }

  sessionAdopted(entry: SessionEntry): void {
    this.chooseServer(entry);
    this.table.count(Family.SessionsAdopted, entry.kind, entry.revision, 1);
  }

  sessionEnded(entry: SessionEntry): void {
    this.chooseServer(entry);
    this.table.count(Family.SessionsEnded, entry.kind, entry.end, 1);
    if (<SessionEnd>entry.end == SessionEnd.Evicted) this.table.count(Family.StoreEvictions, 0, 0, 1);
  }

  sessionCounted(entry: SessionEntry): void {
    this.gauges.countSession(this.labels.servers.findKeyInCopy(entry.server), entry);
  }

  sessionSettled(entry: SessionEntry): void {
    this.chooseServer(entry);
    this.table.record(Family.SessionDuration, entry.kind, 0, elapsed(entry.startedAtMs, entry.endedAtMs));
    this.table.record(Family.SessionOperations, entry.kind, 0, entry.operations);
    if (this.measuresTokens) this.table.record(Family.SessionTokens, entry.kind, 0, entry.tokens);
  }

  private chooseServer(entry: SessionEntry): void {
    this.table.chooseServer(this.labels.servers.findKey(entry.server));
  }
}
