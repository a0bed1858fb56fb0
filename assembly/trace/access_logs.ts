import { PluginConfig } from "../config/plugin_config";
import { NoRequestFields, RequestFields } from "../gate/stage/request_fields";
import { RequestLogs } from "../gate/stage/request_logs";
import { Clock } from "../host/clock";
import { FilterState } from "../host/filter_state";
import { Log } from "../host/log";
import { EventSink } from "../mcp/event_sink";
import { AccessLog } from "./access_log";
import { FilterStateFields } from "./filter_state_fields";
import { OperationLog } from "./operation_log";

/** The logs of a proxy with filter state: its access log, and lines for what that does not show. */
export class AccessLogs extends RequestLogs {
  constructor(
    private state: FilterState,
    private log: Log,
    private clock: Clock,
  ) {
    super();
  }

  sinks(config: PluginConfig): EventSink[] {
    const sinks: EventSink[] = [];
    if (config.logFields) sinks.push(new AccessLog(this.state, this.clock));
    sinks.push(new OperationLog(this.log, this.clock));
    return sinks;
  }

  fields(config: PluginConfig): RequestFields {
    return config.logFields ? new FilterStateFields(this.state) : new NoRequestFields();
  }
}
