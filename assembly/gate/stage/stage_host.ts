import { PluginConfig } from "../../config/plugin_config";
import { Body } from "../../host/body";
import { Clock } from "../../host/clock";
import { FilterState, NoFilterState } from "../../host/filter_state";
import { Log } from "../../host/log";
import { Properties } from "../../host/properties";
import { LaterVerdicts } from "./later_verdicts";

/** What stages use of the host, besides the verdicts that they return. */
export class StageHost {
  constructor(
    readonly clock: Clock,
    readonly log: Log,
    readonly properties: Properties,
    readonly filterState: FilterState,
    /** The body of the current request. */
    readonly body: Body,
    readonly later: LaterVerdicts,
  ) {}

  /** Where the fields for the access log go under a configuration. */
  logFieldsOf(config: PluginConfig): FilterState {
    return config.logFields ? this.filterState : new NoFilterState();
  }
}
