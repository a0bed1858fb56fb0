import { elapsed } from "../memory/elapsed";
import { SessionEnd, SessionEntry } from "../store/session_entry";
import { SessionState } from "../store/session_state";
import { Family, OverflowingLabel } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";
import { SessionGauges } from "./session_gauges";

/** Records metrics of sessions, in the worker that started or ended them. */
export class SessionRecorder {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private gauges: SessionGauges,
    private measuresTokens: bool,
  ) {}

  sessionStarted(entry: SessionEntry): void {
    this.chooseServer(entry);
    if (entry.client == OTHER_INDEX) this.table.count(Family.LabelOverflow, OverflowingLabel.ClientName, 0, 1);
    this.table.chooseWho(entry.client);
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

  sessionCounted(entry: SessionEntry, state: SessionState): void {
    this.gauges.count(this.labels.servers.findKeyInCopy(entry.server), entry, state);
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
