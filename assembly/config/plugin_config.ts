import { AccessConfig } from "./access/access_config";
import { HoldConfig } from "./rules/hold_config";
import { IdentityConfig } from "./rules/identity_config";
import { LimitsConfig } from "./limits/limits_config";
import { TraceConfig } from "./trace_config";
import { NameTemplate } from "./values/name_template";

/** What the label `mcp_caller` shows. */
export enum CallerLabel {
  None,
  /** The IP address. */
  Address,
  /** The verified principal: see {@link IdentityConfig}. */
  Principal,
  /** The name of the client software. */
  Client,
}

/** The plugin's configuration: one JSON object, every field optional. docs/configuration.md explains the fields. */
export class PluginConfig {
  /** Plugins of the same instance and role are one counting unit. */
  instance: string = "default";
  /** Paths of MCP endpoints. A path that ends in `*` covers all paths with that prefix. */
  matchPaths: string[] = [];
  /** The server's name; empty to use the upstream cluster's. */
  server: NameTemplate = new NameTemplate("");
  /** `client`, `server`, or empty to use the direction of the listener. */
  role: string = "";
  maxTools: i32 = 256;
  maxServers: i32 = 64;
  tools: string[] = [];
  sessionIdleSeconds: i32 = 1800;
  maxSessions: i32 = 65536;
  /** Names of headers, in lower case, that distinguish callers without sessions. `baggage.` followed by a
   *  case-sensitive key denotes a baggage member. */
  callerHeaders: string[] = [];
  callerLabel: CallerLabel = CallerLabel.None;
  estimateTokens: bool = true;
  /** Factor by which estimates are multiplied. */
  tokenScale: f64 = 1;
  /** Maximum number of bytes of text per message that are tokenized exactly. */
  maxTokenBytes: u32 = 1024;
  identity: IdentityConfig = new IdentityConfig();
  hold: HoldConfig = new HoldConfig();
  /** The access policy; null for none. */
  access: AccessConfig | null = null;
  /** The limits; null for none. */
  limits: LimitsConfig | null = null;
  /** The filter sets fields for the proxy's access log. The host does not reveal whether a log shows them. */
  logFields: bool = false;
  /** The filter adds headers that describe the request to responses. */
  responseHeaders: bool = false;
  /** The destination of spans; null for none. */
  trace: TraceConfig | null = null;
  /** An index of {@link LOG_LEVELS}, which is also the proxy-wasm log level. */
  logLevel: i32 = 3;
}
