/** Debian's docker-registry on loopback. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A running registry. What is pushed to it is kept in memory. */
export interface Registry {
  /** `127.0.0.1:port`; plain HTTP. */
  host: string;
  stop(): Promise<void>;
}

/** Starts a registry on a free port. Rejects with the end of its output if it dies before it listens. */
export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-registry-"));
  const config = join(folder, "config.yml");
  writeFileSync(config, JSON.stringify({ version: 0.1, storage: { inmemory: {} }, http: { addr: "127.0.0.1:0" } }));
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  const atExit = () => child.kill("SIGKILL");
  process.once("exit", atExit);
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    process.off("exit", atExit);
    rmSync(folder, { recursive: true, force: true });
  };

  let log = "";
  const listens = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        const host = /listening on (127\.0\.0\.1:\d+)/.exec(log)?.[1];
        if (host !== undefined) resolve(host);
      });
    }
  });
  const died = ended.then(() => Promise.reject(new Error(`docker-registry has ended: ${log.slice(-2000)}`)));
  died.catch(() => {});
  try {
    return { host: await Promise.race([listens, died]), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
