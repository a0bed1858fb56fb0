import { PluginConfig } from "../../config/plugin_config";
import { EventSink } from "../../mcp/event_sink";
import { RequestFields } from "./request_fields";

/** The logs that show requests and their operations. */
export abstract class RequestLogs {
  /** Creates the sinks that write the logs under a configuration. */
  abstract sinks(config: PluginConfig): EventSink[];

  /** The destination of what stages know about requests under a configuration. */
  abstract fields(config: PluginConfig): RequestFields;
}
