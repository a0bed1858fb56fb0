/** What all commands of `mcp-proxy-wasm` have in common: exit codes, messages about wrong arguments, and help. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { printable } from "./terminal.ts";

/** The command has answered, and the answer is no: an invalid file, a difference. */
export const NEGATIVE = 1;
/** The command could not answer: wrong arguments, an unreadable file, a server that does not answer. */
export const FAILED = 2;

/** The program without its commands. Wrong arguments end the process with one line and {@link FAILED}. */
export function createProgram(): Command {
  const manifest = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return (
    new Command("mcp-proxy-wasm")
      .description("Awareness of MCP (Model Context Protocol) for Envoy and the meshes built on it.")
      .version(version)
      .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
      // On one line with the address of the help, which commander writes after it.
      .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")} `) })
      .showHelpAfterError("(mcp-proxy-wasm --help lists the commands)")
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : FAILED))
  );
}

/** Reports why the command could not answer, and sets the exit code {@link FAILED}. The message may contain text from strangers. */
export function reportError(error: unknown): void {
  const lines = (error as Error).message.split("\n");
  console.error(`error: ${lines.map(printable).join("\n")}`);
  process.exitCode = FAILED;
}

/** The parts of a command's help after its options. */
export interface HelpText {
  /** Arguments after the command's name, each with what it does. */
  readonly examples: readonly (readonly [args: string, what: string])[];
  /** What each exit code means. */
  readonly exitCodes: Readonly<Record<number, string>>;
}

/** Adds a command's examples and exit codes to its help, and its address to messages about wrong arguments. */
export function withHelp(command: Command, { examples, exitCodes }: HelpText): Command {
  const name = () => pathOf(command);
  const lines = () => [
    "",
    "Examples:",
    ...examples.flatMap(([args, what]) => [`  $ ${`${name()} ${args}`.trim()}`, `      ${what}`]),
    "",
    "Exit codes:",
    ...Object.entries(exitCodes).map(([code, meaning]) => `  ${code}  ${meaning}`),
  ];
  return command
    .addHelpText("after", () => lines().join("\n"))
    .showHelpAfterError(`(${name()} --help lists the options)`);
}

/** The names that call a command: of the program, of the commands above it, and its own. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
