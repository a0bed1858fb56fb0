/** Runs a shell command as a user would, and ends it as Ctrl-C would. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A command that runs, or has ended. */
export interface Command {
  /** What it wrote so far, to both of its outputs. */
  output(): string;
  /** Resolves to the exit code; null after a signal. */
  ended: Promise<number | null>;
  /** Resolves once its output matches; rejects if it ends before. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends SIGINT to the whole group, as a terminal does, and waits for the end. */
  interrupt(): Promise<void>;
  /** Processes that it started and that still run (on Linux; elsewhere none are seen). */
  leftovers(): string[];
  /** Ends it and whatever it left, by their ids. */
  stop(): Promise<void>;
}

const MARK = "MCP_TEST_COMMAND";

/** Starts the command in a shell, in the repository's folder, with more of an environment. */
export function startCommand(command: string, env: NodeJS.ProcessEnv = {}): Command {
  const mark = randomUUID();
  const child = spawn("/bin/sh", ["-c", command], {
    env: { ...process.env, ...env, [MARK]: mark },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));

  const shows = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(text);
      if (found !== null) return found;
      if (child.exitCode !== null) throw new Error(`\`${command}\` ended without showing ${pattern}:\n${text}`);
      await sleep(100);
    }
  };
  const interrupt = async () => {
    signalGroup(child, "SIGINT");
    await ended;
  };
  const stop = async () => {
    for (const pid of marked(mark)) kill(pid, "SIGKILL");
    await ended;
  };
  return { output: () => text, ended, shows, interrupt, stop, leftovers: () => marked(mark).map(commandLine) };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) kill(-child.pid!, signal);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** The processes that have this mark in their environment. */
function marked(mark: string): number[] {
  if (process.platform !== "linux") return [];
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return numbers.filter((pid) => readProcess(pid, "environ").includes(`${MARK}=${mark}`)).map(Number);
}

function commandLine(pid: number): string {
  return `${pid} ${readProcess(String(pid), "cmdline").replaceAll("\0", " ")}`;
}

function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
