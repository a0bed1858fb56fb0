import { PluginConfig } from "../../config/plugin_config";
import { Body } from "../../host/body";
import { Clock } from "../../host/clock";
import { FilterState, NoFilterState } from "../../host/filter_state";
import { Log } from "../../host/log";
import { Properties } from "../../host/properties";
import { LaterVerdicts } from "./later_verdicts";
import { RequestLogs } from "./request_logs";

/** The host services that stages use, besides returning verdicts. */
export class StageHost {
  constructor(
    readonly clock: Clock,
    readonly log: Log,
    readonly properties: Properties,
    readonly filterState: FilterState,
    /** The body of the current request. */
    readonly body: Body,
    readonly later: LaterVerdicts,
    readonly logs: RequestLogs,
  ) {}

  /** The destination of the access-log fields under a configuration. */
  logFieldsOf(config: PluginConfig): FilterState {
    return config.logFields ? this.filterState : new NoFilterState();
  }
}
