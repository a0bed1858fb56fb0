/** The command `pins`. */
import type { Command } from "commander";
import { header, httpUrl } from "../cli/arguments.ts";
import { withHelp } from "../cli/program.ts";

/** The options of `pins`. */
export interface PinsOptions {
  server: URL;
  header?: Record<string, string>;
  name?: string;
  check?: string;
}

/** Adds the command to the program. */
export function addPins(program: Command): void {
  const command = program
    .command("pins")
    .description("Print the pins of a running server's tools as configuration, or check pins against it.")
    .requiredOption("--server <url>", "the server's endpoint: Streamable HTTP, else HTTP+SSE", httpUrl)
    .option("--header <'name: value'>", "a header to send; may be repeated", header)
    .option("--name <name>", "the server's name, as the label mcp_server shows it")
    .option("--check <file>", "a configuration, or what this command has printed: shows how the server differs")
    .action(async (options: PinsOptions) => {
      const { pins } = await import("./run.ts");
      await pins(options);
    });
  withHelp(command, {
    examples: [
      ["--server http://127.0.0.1:3001/mcp --name shop > pins.json", "writes the pins of all tools"],
      ["--server http://127.0.0.1:3001/mcp --name shop --check pins.json", "shows which tools have changed"],
    ],
    exitCodes: { 0: "printed, or no difference", 1: "the server differs", 2: "wrong arguments, or no answer" },
  });
}
