import { PluginConfig } from "../config/plugin_config";
import { NoRequestFields, RequestFields } from "../gate/stage/request_fields";
import { RequestLogs } from "../gate/stage/request_logs";
import { Clock } from "../host/clock";
import { Log } from "../host/log";
import { EventSink } from "../mcp/event_sink";
import { MessageFields } from "./message_fields";
import { MessageLines } from "./message_lines";
import { MessageLog } from "./message_log";

/** The log of a proxy that shows nothing else of requests: a line for each message. */
export class MessageLogs extends RequestLogs {
  private lines: MessageLines;

  constructor(log: Log, clock: Clock) {
    super();
    this.lines = new MessageLines(log, clock);
  }

  sinks(config: PluginConfig): EventSink[] {
    return config.logFields ? [new MessageLog(this.lines)] : [];
  }

  fields(config: PluginConfig): RequestFields {
    return config.logFields ? new MessageFields(this.lines) : new NoRequestFields();
  }
}
