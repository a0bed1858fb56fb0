/** Prints the pins of the tools of a running server as configuration, or checks a file's pins against the server
 *  (docs/pins.md). */
import { readText } from "../cli/arguments.ts";
import { FAILED, NEGATIVE } from "../cli/program.ts";
import { printable } from "../cli/terminal.ts";
import type { PinsOptions } from "./command.ts";
import { configurationOf, pinsIn } from "./configuration.ts";
import { differencesOf } from "./differences.ts";
import { pinOf } from "./pin.ts";
import { type Definition, listTools } from "./server.ts";

/** Maximum number of shown characters of a text. */
const SHOWN = 100;
/** Maximum number of shown characters of an error of the server. */
const ERROR_SHOWN = 300;

/** Runs the command. Sets the exit code. Rejects with one sentence if the file or the server cannot be read. */
export async function pins(options: PinsOptions): Promise<void> {
  const wanted = options.check === undefined ? undefined : pinsInFile(options.check, options.name);
  const tools = await listTools(options.server, options.header ?? {}).catch((error: Error) => {
    // Without the address's path and query, which may contain a key.
    throw new Error(`No list of tools from ${options.server.host} (${reasonOf(error)}).`, { cause: error });
  });
  if (wanted === undefined) print(tools, options);
  else process.exitCode = check(tools, wanted);
}

function pinsInFile(file: string, name: string | undefined): Readonly<Record<string, string>> {
  const text = readText(file);
  try {
    return pinsIn(text, name);
  } catch (error) {
    throw new Error(printable(`${file}: ${(error as Error).message}`), { cause: error });
  }
}

/** Why a request failed: the system's code of the innermost cause, otherwise the message, which the server may have chosen, on one
 *  line. */
function reasonOf(error: Error): string {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (cause !== error && typeof code === "string") return code;
  const { message } = error;
  return printable(message.length > ERROR_SHOWN ? `${message.slice(0, ERROR_SHOWN)}…` : message);
}

/** Prints the pins, and on standard error the tools that they belong to. */
function print(tools: readonly Definition[], options: PinsOptions): void {
  const pins = new Map<string, string>();
  for (const tool of tools) {
    const pin = pinOf(tool);
    const isTwice = pins.has(tool.name) && pins.get(tool.name) !== pin;
    show(tool, pin === undefined ? "cannot be pinned" : isTwice ? "is listed twice, with two definitions" : undefined);
    if (pin !== undefined && !isTwice) pins.set(tool.name, pin);
  }
  console.error(
    `${pins.size} pins of ${tools.length} tools. They trust what ${options.server.host} has just answered.`,
  );
  if (pins.size < tools.length) process.exitCode = FAILED;
  if (pins.size > 0) console.log(JSON.stringify(configurationOf(options.name, Object.fromEntries(pins)), null, 2));
}

function show({ name, title, description }: Definition, problem: string | undefined): void {
  const texts = [title, description].filter((text) => typeof text === "string").map(shortened);
  console.error(`${shortened(name)}${problem === undefined ? "" : ` ${problem}`}`);
  for (const text of texts) if (text !== "") console.error(`    ${text}`);
}

/** A text of the server on one line, without terminal control characters. */
function shortened(text: string): string {
  const plain = text.replaceAll(/[\p{C}\p{Z}]+/gu, " ").trim();
  return plain.length > SHOWN ? `${plain.slice(0, SHOWN)}…` : plain;
}

function check(tools: readonly Definition[], pins: Readonly<Record<string, string>>): number {
  const differences = differencesOf(tools, pins);
  for (const { tool, kind } of differences) console.log(`${kind.padEnd(8)} ${shortened(tool)}`);
  console.error(`${tools.length} tools, of which ${differences.length} differ from ${Object.keys(pins).length} pins.`);
  return differences.length > 0 ? NEGATIVE : 0;
}
