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
  /** The name of the client's software. */
  Client,
}

/** The plugin's configuration: one JSON object, every field optional. docs/configuration.md says what they do. */
export class PluginConfig {
  /** Plugins of the same instance and role are one counting unit. */
  instance: string = "default";
  /** Paths of MCP endpoints; one that ends in `*` stands for all that begin so. */
  matchPaths: string[] = [];
  /** The server's name; empty to use the upstream cluster's. */
  server: NameTemplate = new NameTemplate("");
  /** `client`, `server`, or empty. */
  role: string = "";
  maxTools: i32 = 256;
  maxServers: i32 = 64;
  tools: string[] = [];
  sessionIdleSeconds: i32 = 1800;
  maxSessions: i32 = 65536;
  /** Names of headers, in lower case, that tell callers apart where there are no sessions; `baggage.` and a key, in its own
   *  case, for a member of the baggage. */
  callerHeaders: string[] = [];
  callerLabel: CallerLabel = CallerLabel.None;
  estimateTokens: bool = true;
  /** What estimates are multiplied by. */
  tokenScale: f64 = 1;
  /** Bytes of text read exactly, a message. */
  maxTokenBytes: u32 = 8192;
  identity: IdentityConfig = new IdentityConfig();
  hold: HoldConfig = new HoldConfig();
  /** Who may call what; null where nobody asked. */
  access: AccessConfig | null = null;
  /** How much who may call; null where nobody asked. */
  limits: LimitsConfig | null = null;
  /** The filter sets fields for the proxy's access log. The host cannot tell whether a log shows them. */
  logFields: bool = false;
  /** Where spans go; null where nobody asked. */
  trace: TraceConfig | null = null;
  /** An index of {@link LOG_LEVELS}, as proxy-wasm numbers levels. */
  logLevel: i32 = 3;
}
