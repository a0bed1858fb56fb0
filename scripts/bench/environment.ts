/** Where and with which versions a measurement was made. */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { MODULE_PATH } from "./bootstrap.ts";
import { requireGenerator } from "./generator.ts";

export interface Environment {
  date: string;
  /** The commit, followed by `+` if tracked files have changed since. */
  commit: string;
  machine: { processor: string; cores: number; memoryBytes: number; system: string };
  versions: { envoy: string; node: string; generator: string };
  moduleBytes: number;
  /** The load average before the run. */
  loadAverage: number;
}

export async function describeEnvironment(envoyPath: string): Promise<Environment> {
  const [processor] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: {
      processor: processor.model,
      cores: cpus().length,
      memoryBytes: totalmem(),
      system: `${type()} ${release()}`,
    },
    versions: {
      envoy: outputOf(envoyPath, "--version").match(/version: [0-9a-f]+\/([\d.]+)/)?.[1] ?? "unknown",
      node: process.versions.node,
      generator: await requireGenerator(),
    },
    moduleBytes: statSync(MODULE_PATH).size,
    loadAverage: loadavg()[0],
  };
}

function commit(): string {
  const id = outputOf("git", "rev-parse", "--short", "HEAD").trim();
  if (id === "") return "unknown";
  return outputOf("git", "status", "--porcelain", "--untracked-files=no") === "" ? id : `${id}+`;
}

/** The output of the command; "" if it fails. */
function outputOf(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 20_000 });
  } catch {
    return "";
  }
}
