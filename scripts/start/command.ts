/** The command `start`. */
import { type Command, InvalidArgumentError } from "commander";
import { integer, readJsonObject } from "../cli/arguments.ts";
import { withHelp } from "../cli/program.ts";

/** The options of `start`. Without `upstream`, demo servers and agents run. */
export interface StartOptions {
  upstream?: URL;
  /** The plugin configuration, read from --config. */
  config?: Record<string, unknown>;
  port?: number;
  adminPort?: number;
  /** The port of the page with history. */
  pagePort?: number;
  concurrency: number;
  /** In the demo, calls beyond a limit wait for their turn. */
  queue: boolean;
  /** Records every operation as a span, and starts a page that shows them. */
  traces?: boolean;
  /** Shows Envoy's log, the access log and the audit lines live. */
  log?: boolean;
}

/** Adds the command to the program. */
export function addStart(program: Command): void {
  const command = program
    .command("start")
    .description("Run Envoy with the MCP filter, and show live statistics of the MCP traffic that passes.")
    .option("--upstream <url>", "your MCP server, http://host:port; without it, demo servers and agents", upstreamUrl)
    .option("--config <file>", "the plugin configuration, a JSON object", readJsonObject)
    .option(
      "--port <number>",
      "the proxy's port on 127.0.0.1; the demo's second proxy has the next (default: free ones)",
      integer(65535),
    )
    .option(
      "--admin-port <number>",
      "the port of Envoy's admin page; the demo's second Envoy has the next (default: free ones)",
      integer(65535),
    )
    .option("--page-port <number>", "the page's port on 127.0.0.1 (default: a free one)", integer(65535))
    .option("--concurrency <number>", "Envoy's worker threads", integer(256), 2)
    .option("--no-queue", "reject the demo's calls beyond a limit at once, instead of queueing them")
    .option("--traces", "record every session as a trace, and start a page that shows them (MLflow)")
    .option("--log", "show Envoy's log live, with access log and audit lines")
    .action(async (options: StartOptions) => {
      const { start } = await import("./run.ts");
      await start(options);
    });
  withHelp(command, {
    examples: [
      ["", "runs demo servers and agents behind Envoy"],
      ["--upstream http://127.0.0.1:3001 --config plugin.json", "puts the proxy in front of your server"],
    ],
    exitCodes: { 0: "ended by Ctrl-C", 2: "wrong arguments, or a part could not start or has ended" },
  });
}

function upstreamUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:") {
    throw new InvalidArgumentError("Only http:// is possible here; TLS to the server belongs in an Envoy of your own.");
  }
  if (url?.protocol !== "http:") {
    throw new InvalidArgumentError("It must look like http://host:port.");
  }
  return url;
}
