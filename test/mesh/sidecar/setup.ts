/** The set-up of envoy/sidecar/: NGINX as the edge, and an Envoy with the filter as each server's sidecar. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Envoy, startEnvoy } from "../../../scripts/envoy/process.ts";
import type { Fetch } from "../../../scripts/demo/client.ts";
import type { Identity } from "../../access/certificates.ts";
import { dispatcherOf, fetchBy } from "../../access/tls-client.ts";
import { freePort } from "../../envoy/sessions/free-port.ts";
import { MODULE_PATH } from "../module.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { readShipped, readYaml } from "../shipped.ts";

/** Replacements in a shipped file. Each key must occur once. */
export type Replaced = Record<string, string | number>;

/** The folder that stands for /etc/mcp, with what the README's commands make. */
export interface Files {
  folder: string;
  /** The key of alice, whom the README's commands name. */
  key: string;
  /** The authority's certificate, as PEM. */
  ca: string;
  /** A certificate that the authority issued: `edge`, `sidecar` or `public`. */
  identity(name: string): Identity;
  /** Adds a caller by name and principal. Returns its key. */
  addCaller(name: string, principal: string): string;
  removeCaller(name: string): void;
  close(): Promise<void>;
}

/** Runs the commands of the README that make certificates and a caller's key, in a temporary folder. */
export function makeFiles(): Files {
  const folder = mkdtempSync(join(tmpdir(), "mcp-edge-"));
  const blocks = [...readShipped("sidecar/README.md").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text);
  const shell = (part: string) => {
    const command = blocks.find((block) => block.includes(part))!.replaceAll("/etc/mcp", folder);
    return execFileSync("/bin/sh", ["-ec", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  };
  shell("openssl req");
  const key = shell("openssl rand").trim();
  const callers = join(folder, "callers.conf");
  const read = (file: string) => readFileSync(join(folder, "tls", file), "utf8");
  return {
    folder,
    key,
    ca: read("ca.crt"),
    identity: (name) => ({ cert: read(`${name}.crt`), key: read(`${name}.key`) }),
    addCaller: (name, principal) => {
      writeFileSync(callers, `${readFileSync(callers, "utf8")}"Bearer key-of-${name}" ${principal};\n`);
      return `key-of-${name}`;
    },
    removeCaller: (name) => {
      const lines = readFileSync(callers, "utf8").split("\n");
      writeFileSync(callers, lines.filter((line) => !line.includes(`"Bearer key-of-${name}"`)).join("\n"));
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts the shipped Envoy in front of a server, on this port. A `plugin` replaces the filter's configuration. */
export async function startSidecar(
  files: Files,
  upstream: { host: string; port: number },
  port: number,
  plugin?: object,
): Promise<Envoy> {
  const bootstrap = readYaml<object>("sidecar/envoy.yaml", {
    "port_value: 9901": "port_value: 0",
    "port_value: 10443": `port_value: ${port}`,
    "port_value: 3001": `port_value: ${upstream.port}`,
    "/etc/mcp/mcp.wasm": MODULE_PATH,
    "/etc/mcp/tls/ca.crt": join(files.folder, "tls/ca.crt"),
    "/etc/mcp/tls/sidecar.crt": join(files.folder, "tls/sidecar.crt"),
    "/etc/mcp/tls/sidecar.key": join(files.folder, "tls/sidecar.key"),
  });
  const vary = () => {
    return JSON.stringify(bootstrap, (key, value: object) => {
      return key === "configuration" && plugin !== undefined ? { ...value, value: JSON.stringify(plugin) } : value;
    });
  };
  return startEnvoy({ upstream, vary });
}

/** A running edge. */
export interface Edge extends Nginx {
  /** `https://127.0.0.1:port`, without a path. */
  url: string;
  /** Loads the shipped configuration again, with further replacements. */
  reloadWith(replaced?: Replaced): Promise<void>;
}

/** Starts the shipped NGINX in front of the sidecars on these ports. */
export async function startEdge(files: Files, sidecars: readonly number[], replaced: Replaced = {}): Promise<Edge> {
  const port = await freePort();
  const config = (replaced: Replaced) => {
    const servers = sidecars.map((sidecar) => `server 127.0.0.1:${sidecar};`).join(" ");
    let text = readShipped("sidecar/nginx.conf").replaceAll("/etc/mcp", files.folder);
    for (const [from, to] of Object.entries({ ...placesOf(port, servers), ...replaced })) {
      const parts = text.split(from);
      if (parts.length !== 2) throw new Error(`nginx.conf has ${parts.length - 1} times: ${from}`);
      text = parts.join(String(to));
    }
    return text;
  };
  const nginx = await startNginx(config(replaced), port);
  return {
    ...nginx,
    url: `https://127.0.0.1:${port}`,
    reloadWith: (replaced = {}) => nginx.reload(config(replaced)),
  };
}

function placesOf(port: number, servers: string): Replaced {
  return { "listen 8443 ssl": `listen 127.0.0.1:${port} ssl`, "server 127.0.0.1:10443;": servers };
}

/** A caller's own connections: its requests have its key, and these headers. */
export interface Caller {
  fetch: Fetch;
  close(): Promise<void>;
}

export function callerOf(files: Files, key: string, headers: Record<string, string> = {}): Caller {
  const dispatcher = dispatcherOf(files.ca);
  return {
    fetch: fetchBy(dispatcher, { authorization: `Bearer ${key}`, ...headers }),
    close: () => dispatcher.destroy(),
  };
}
