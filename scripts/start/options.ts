/** The command line of `npm start`. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";

/** The options of `npm start`. Without `upstream`, demo servers and agents run. */
export interface StartOptions {
  upstream?: URL;
  /** The plugin configuration, read from --config. */
  config?: Record<string, unknown>;
  port?: number;
  adminPort?: number;
  concurrency: number;
  /** In the demo, calls beyond a limit wait for their turn. */
  queue: boolean;
  /** Records every operation as a span, and starts a page that shows them. */
  traces?: boolean;
  /** Shows Envoy's log, the access log and the audit lines live. */
  log?: boolean;
}

/** Reads the arguments. An invalid argument ends the process with one sentence and exit code 1. */
export function parseOptions(argv: string[]): StartOptions {
  return new Command("npm start --")
    .description("Runs Envoy with the MCP filter and shows live statistics of the MCP traffic that passes.")
    .option("--upstream <url>", "your MCP server, http://host:port; without it, demo servers and agents", parseUpstream)
    .option("--config <file>", "the plugin configuration, a JSON object", readConfig)
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
    .option("--concurrency <number>", "Envoy's worker threads", integer(256), 2)
    .option("--no-queue", "reject the demo's calls beyond a limit at once, instead of queueing them")
    .option("--traces", "record every session as a trace, and start a page that shows them (MLflow)")
    .option("--log", "show Envoy's log live, with access log and audit lines")
    .parse(argv, { from: "user" })
    .opts<StartOptions>();
}

function parseUpstream(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:") {
    throw new InvalidArgumentError("Only http:// is possible here; TLS to the server belongs in an Envoy of your own.");
  }
  if (url?.protocol !== "http:") {
    throw new InvalidArgumentError("It must look like http://host:port.");
  }
  return url;
}

function readConfig(path: string): Record<string, unknown> {
  let text: string;
  try {
    // npm runs this script in the package's folder, not in the user's current folder.
    text = readFileSync(resolve(process.env.INIT_CWD ?? ".", path), "utf8");
  } catch (error) {
    throw new InvalidArgumentError(`The file cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`The file is not valid JSON (${(error as Error).message.replaceAll("\n", " ")}).`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError("The file must contain one JSON object.");
  }
  return value as Record<string, unknown>;
}

function integer(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
    }
    return value;
  };
}
