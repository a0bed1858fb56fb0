/** The builds of the module: one for each kind of host, by an entry file of its own. */

export interface Build {
  /** Its name as an argument of commands. */
  readonly name: string;
  /** The host, as documentation names it. */
  readonly host: string;
  /** The entry file in AssemblyScript. */
  readonly entry: string;
  /** The compiled module. */
  readonly module: string;
  /** The most memory that the host gives a VM, in pages of 64 KiB; undefined if it has no such limit. */
  readonly memoryPages?: number;
}

/** All builds. The first is the one for Envoy. */
export const BUILDS: readonly Build[] = [
  { name: "envoy", host: "Envoy", entry: "assembly/index.ts", module: "build/mcp.wasm" },
  { name: "nginx", host: "NGINX with ngx_wasm_module", entry: "assembly/nginx.ts", module: "build/mcp-nginx.wasm" },
  {
    name: "lite",
    host: "Google Cloud Service Extensions",
    entry: "assembly/lite.ts",
    module: "build/mcp-lite.wasm",
    memoryPages: 256,
  },
];
