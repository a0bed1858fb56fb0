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

/** Runs the command. Sets the exit code. Rejects with one sentence if the file or the server cannot be read. */
export async function pins(options: PinsOptions): Promise<void> {
  try {
    // Read before the request, so that an unreadable file is not reported as an error of the server.
    const wanted = options.check === undefined ? undefined : pinsIn(readText(options.check), options.name);
    const tools = await listTools(options.server, options.header);
    if (wanted === undefined) print(tools, options);
    else process.exitCode = check(tools, wanted);
  } catch (error) {
    // Without the address's path and query, which may contain a key.
    const place = options.check === undefined ? "" : ` (${options.check}, ${options.server.host})`;
    // On one line, because the server may have chosen the message.
    throw new Error(printable(`${(error as Error).message}${place}`), { cause: error });
  }
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
