/** Runs a command as a process of its own, as users do. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** What a process has written, and its exit code. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mcp-proxy-wasm` with these arguments, and with `input` on its standard input. */
export async function runCli(args: readonly string[], input = ""): Promise<Ended> {
  // Under CI, some packages would colour output that is no terminal.
  const env = { ...process.env, CI: "true" };
  const child = spawn(process.execPath, ["--import", "tsx", "scripts/cli.ts", ...args], { env });
  const ended = once(child, "close");
  child.stdin.on("error", () => {}).end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code: code as number | null, stdout, stderr };
}
