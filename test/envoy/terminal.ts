/** Runs a command on a terminal of its own, and shows what a user would see there. */
import { spawn } from "node:child_process";
import xterm from "@xterm/headless";
import { until } from "./sessions/until.ts";

/** A running command, and its screen. */
export interface OnTerminal {
  /** The lines of the screen, from the top, without spaces at their ends. */
  screen(): Promise<string[]>;
  /** All bytes that the command wrote. */
  output(): string;
  /** Waits until a line of the screen matches. */
  shows(pattern: RegExp): Promise<void>;
  press(keys: string): void;
  /** Resolves to the exit code. */
  ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts a shell command on a pseudo-terminal of this size. `script` of util-linux makes it, and an emulator draws it. */
export function onTerminal(command: string, columns: number, rows: number, env: NodeJS.ProcessEnv = {}): OnTerminal {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const child = spawn("script", ["-qefc", `stty cols ${columns} rows ${rows}; exec ${command}`, "/dev/null"], {
    env: { ...process.env, TERM: "xterm-256color", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    terminal.write(chunk);
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const screen = async () => {
    await new Promise<void>((resolve) => terminal.write("", resolve));
    const buffer = terminal.buffer.active;
    return Array.from({ length: rows }, (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? "");
  };
  return {
    screen,
    output: () => text,
    shows: (pattern) => until(async () => (await screen()).some((line) => pattern.test(line)), `shows ${pattern}`),
    press: (keys) => child.stdin.write(keys),
    ended,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
