import { PluginConfig } from "../config/plugin_config";
import { RequestFields } from "../gate/stage/request_fields";
import { RequestLogs } from "../gate/stage/request_logs";
import { EventSink } from "../mcp/event_sink";
import { ShownFields } from "./shown_fields";
import { ShownMessages } from "./shown_messages";

/** The logs of a proxy, and what is kept of requests for {@link ResponseHeaders}. */
export class ShownLogs extends RequestLogs {
  constructor(private logs: RequestLogs) {
    super();
  }

  sinks(config: PluginConfig): EventSink[] {
    const sinks = this.logs.sinks(config);
    if (config.responseHeaders) sinks.push(new ShownMessages());
    return sinks;
  }

  fields(config: PluginConfig): RequestFields {
    const fields = this.logs.fields(config);
    return config.responseHeaders ? new ShownFields(fields) : fields;
  }
}
