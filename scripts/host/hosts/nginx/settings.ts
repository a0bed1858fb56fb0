import type { MetricLimits } from "./metric-slab.ts";

/** What NGINX's configuration determines. */
export interface NginxSettings extends MetricLimits {
  /** The name of the module: `module NAME PATH;`. */
  readonly moduleName: string;
  /** The value of `server_name`, with the port. */
  readonly serverName: string;
  /** Whether there is a zone for shared data: `shm_kv "*" SIZE;`. */
  readonly hasSharedData: boolean;
  /** `client_body_buffer_size` in bytes: NGINX writes larger request bodies to files. */
  readonly clientBodyBufferBytes: number;
  /** The variables that `set` declares. */
  readonly variables: readonly string[];
}

/** The defaults of NGINX, and a zone for shared data, without which each request would fail. */
export const DEFAULTS: NginxSettings = {
  moduleName: "mcp",
  serverName: "localhost:8080",
  hasSharedData: true,
  clientBodyBufferBytes: 16_384,
  variables: [],
  slabBytes: 5 * 1024 * 1024,
  nameBytes: 256,
  workers: 2,
};
