/** Runs Debian's NGINX with a configuration on loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../scripts/python.ts";
import { until } from "../../envoy/sessions/until.ts";

/** The command that installs what {@link startNginx} needs. */
export const INSTALL_NGINX = "apt-get install --no-install-recommends nginx-light";

/** A running NGINX. */
export interface Nginx {
  /** What it wrote to its error log, notices included. */
  log(): string;
  /** Loads another configuration. Resolves when its workers run; those before may still serve open streams. */
  reload(config: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts NGINX with the text of an nginx.conf that listens on this port. Rejects with its output if it does not start. */
export async function startNginx(config: string, port: number): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-nginx-"));
  // Workers of a root user run as nobody.
  chmodSync(folder, 0o755);
  const file = join(folder, "nginx.conf");
  const args = ["-c", file, "-e", "stderr", "-g", `daemon off; pid ${folder}/pid; error_log stderr notice;`];
  writeFileSync(file, withOwnFolder(config, folder));
  const child = spawn("nginx", args, { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(() => {
      if (child.exitCode !== null) throw new Error(`NGINX does not start: ${text}`);
      return accepts(port);
    }, "NGINX's port opens");
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    log: () => text,
    reload: async (config) => {
      writeFileSync(file, withOwnFolder(config, folder));
      const workers = () => text.split("start worker process ").length;
      const before = workers();
      const { ok, errors } = await run("nginx", [...args, "-s", "reload"]);
      if (!ok) throw new Error(`NGINX does not reload: ${errors}`);
      await until(() => workers() > before, "NGINX starts new workers");
    },
    stop,
  };
}

/** The configuration with its log and its temporary files in this folder. */
function withOwnFolder(config: string, folder: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`);
  return config.replace(/^http \{$/m, ["http {", "access_log off;", ...paths].join("\n"));
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** Ends NGINX at once, workers that drain included. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  await closed;
}
