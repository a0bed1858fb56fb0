/**
 * `npm run pins`: prints the pins of the tools of a running server as configuration, or checks a file's pins against
 * the server (docs/pins.md). Exits with 0; with 1 if a checked server differs; with 2 if the check failed.
 */
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { configurationOf, pinsIn } from "./pins/configuration.ts";
import { differencesOf } from "./pins/differences.ts";
import { pinOf } from "./pins/pin.ts";
import { type Definition, listTools } from "./pins/server.ts";

const DIFFERS = 1;
const FAILED = 2;
/** Maximum number of shown characters of a text. */
const SHOWN = 100;

interface Options {
  server: URL;
  header: Record<string, string>;
  name?: string;
  check?: string;
}

const options = new Command("npm run pins --")
  .description("Prints the pins of the tools of a running server as configuration, or checks pins against it.")
  .requiredOption("--server <url>", "the server's endpoint: Streamable HTTP, else HTTP+SSE", url)
  .option("--header <'name: value'>", "a header to send; may be repeated", header, {})
  .option("--name <name>", "the server's name, as the label mcp_server shows it")
  .option("--check <file>", "a configuration, or what this command has printed: shows how the server differs")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : FAILED))
  .parse()
  .opts<Options>();

try {
  // Read before the request, so that an unreadable file is not reported as an error of the server.
  const pins = options.check === undefined ? undefined : pinsIn(readFileSync(options.check, "utf8"), options.name);
  const tools = await listTools(options.server, options.header);
  if (pins === undefined) print(tools);
  else process.exitCode = check(tools, pins);
} catch (error) {
  const place = options.check === undefined ? "" : ` (${options.check}, ${options.server.href})`;
  console.error(`${(error as Error).message}${place}`);
  process.exitCode = FAILED;
}

/** Prints the pins, and on standard error the tools that they belong to. */
function print(tools: readonly Definition[]): void {
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
  return differences.length > 0 ? DIFFERS : 0;
}

function url(value: string): URL {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new InvalidArgumentError("Expected a URL.");
  return new URL(value);
}

function header(value: string, before: Record<string, string>): Record<string, string> {
  const [, name, text] = /^([^\s:]+):\s*(.*)$/.exec(value) ?? [];
  if (name === undefined) throw new InvalidArgumentError("Expected 'name: value'.");
  return { ...before, [name]: text };
}
