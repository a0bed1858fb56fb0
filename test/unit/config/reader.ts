import { TestModule } from "../module.ts";

/** What comes of reading a configuration. */
export interface Config {
  instance: string;
  server: string;
  role: string;
  maxTools: number;
  maxServers: number;
  sessionIdleSeconds: number;
  maxSessions: number;
  /** In lower case. */
  callerHeaders: string[];
  callerLabel: number;
  estimateTokens: boolean;
  tokenScale: number;
  maxTokenBytes: number;
  responseHeaders: boolean;
  /** trace, debug, info, warn, error: 0 to 4. */
  logLevel: number;
  matchPaths: string[];
  tools: string[];
  /** How callers are distinguished, in words. */
  identity: string;
  /** What is held, in words. */
  hold: string;
  /** The access policy in words; none where there is no policy. */
  access: string[];
  /** The limits in words; none where there are no limits. */
  limits: string[];
  /** What is traced in words; none where nothing is. */
  trace: string[];
  errors: string[];
  warnings: string[];
}

export const DEFAULTS: Config = {
  instance: "default",
  server: "",
  role: "",
  maxTools: 256,
  maxServers: 64,
  sessionIdleSeconds: 1800,
  maxSessions: 65_536,
  callerHeaders: [],
  callerLabel: 0,
  estimateTokens: true,
  tokenScale: 1,
  maxTokenBytes: 1024,
  responseHeaders: false,
  logLevel: 3,
  matchPaths: [],
  tools: [],
  identity: "principals peer_certificate filter_state, payload payload",
  hold: "bodies of 524288 bytes, 1000 streams, 67108864 bytes",
  access: [],
  limits: [],
  trace: [],
  errors: [],
  warnings: [],
};

let values = new Map<string, unknown>();
let items = new Map<string, string[]>();

const module: TestModule<{ read(at: number, length: number): void }> = new TestModule("config", {
  number: (field: number, value: number) => values.set(module.string(field), value),
  text: (field: number, value: number) => values.set(module.string(field), module.string(value)),
  item(field: number, item: number): void {
    const name = module.string(field);
    items.set(name, [...(items.get(name) ?? []), module.string(item)]);
  },
});

/** Reads a configuration as the filter does. */
export function read(json: string): Config {
  values = new Map();
  items = new Map();
  module.lend(Buffer.from(json), (at, length) => module.exports.read(at, length));
  const none = {
    matchPaths: [],
    tools: [],
    callerHeaders: [],
    access: [],
    limits: [],
    trace: [],
    errors: [],
    warnings: [],
  };
  const config = { ...none, ...Object.fromEntries(values), ...Object.fromEntries(items) } as unknown as Config;
  return {
    ...config,
    callerLabel: config.callerLabel,
    estimateTokens: Boolean(config.estimateTokens),
    tokenScale: Number(config.tokenScale),
    maxTokenBytes: Number(config.maxTokenBytes),
    responseHeaders: Boolean(config.responseHeaders),
  };
}
