/** The command `explain`. */
import { isIP } from "node:net";
import { type Command, InvalidArgumentError, Option } from "commander";
import { header } from "../cli/arguments.ts";
import { withHelp } from "../cli/program.ts";

/** The options of `explain`. */
export interface ExplainOptions {
  config: string;
  request?: string;
  principal?: string;
  claims?: string;
  header: Record<string, string>;
  path?: string;
  method: string;
  address?: string;
  server?: string;
  output: "text" | "json";
}

/** Adds the command to the program. */
export function addExplain(program: Command): void {
  const command = program
    .command("explain")
    .description("Say what the filter does with a request: which rule decides, what others missed, which limits apply.")
    .requiredOption("--config <file>", "the plugin configuration; - is standard input")
    .option("--request <file>", "the body of the request: a JSON-RPC message or a batch; - is standard input")
    .option("--principal <name>", "the caller's principal: a SPIFFE ID, or <iss>/<sub> of a token")
    .option("--claims <file or json>", "the payload of the caller's verified token")
    .option("--header <'name: value'>", "a header of the request; may be repeated", header, {})
    .option("--path <path>", "the request's path (default: the first of match.paths)")
    .option("--method <method>", "the request's HTTP method", "POST")
    .option("--address <ip>", "the caller's address", ipAddress)
    .option("--server <name>", "the server's name, as the label mcp_server shows it")
    .addOption(
      new Option("-o, --output <format>", "how the answer is printed").choices(["text", "json"]).default("text"),
    )
    .action(async (options: ExplainOptions) => {
      const { runExplain } = await import("./run.ts");
      runExplain(options);
    });
  withHelp(command, {
    examples: [
      ["--config plugin.json --request call.json --principal spiffe://a/ns/b/sa/c", "explains a call of a workload"],
      ['--config plugin.json --request call.json --claims \'{"team":"red"}\' -o json', "prints the answer as JSON"],
    ],
    exitCodes: {
      0: "every message reaches the server",
      1: "a message does not, or the configuration is invalid",
      2: "wrong arguments, or an unreadable file",
    },
  });
}

function ipAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError("It must be an IPv4 or IPv6 address without a port.");
  return text;
}
