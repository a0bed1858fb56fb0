/** Explains a request (docs/cli.md). */
import { readInput, STANDARD_INPUT } from "../cli/arguments.ts";
import { NEGATIVE } from "../cli/program.ts";
import { printable, printableJson } from "../cli/terminal.ts";
import type { ExplainOptions } from "./command.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { type Asked, explain } from "./explain.ts";
import { parsed } from "./json.ts";
import { explanationLines } from "./text.ts";

/** Runs the command. Sets the exit code. Throws one sentence if a file cannot be read, or if arguments contradict each other. */
export function runExplain(options: ExplainOptions): void {
  const { config, request } = options;
  if (config === STANDARD_INPUT && request === STANDARD_INPUT) {
    throw new Error("Only one of --config and --request can be standard input: give a file for the other one.");
  }
  if (request === undefined && !/^(GET|DELETE|OPTIONS|HEAD)$/.test(options.method)) {
    throw new Error(`A ${options.method} has a body: give it with --request.`);
  }
  const { reports, configuration } = readConfiguration(readInput(config));
  for (const { severity, text } of reports) console.error(`${severity}: ${printable(text)}`);
  if (configuration === undefined) {
    process.exitCode = NEGATIVE;
    return;
  }
  const named = withServer(configuration, options.server);
  const asked = askedBy(options, named);
  const explanation = explain(named, asked);
  if (explanation.decision !== "allowed") process.exitCode = NEGATIVE;
  if (options.output === "json") console.log(printableJson(explanation, 2));
  else for (const line of explanationLines(explanation, named, asked)) console.log(line);
}

/** The upstream cluster's name is the server's unless the configuration names it. */
function withServer({ server, ...configuration }: Configuration, name: string | undefined): Configuration {
  return name === undefined && server !== undefined ? { server, ...configuration } : configuration;
}

function askedBy(options: ExplainOptions, { match }: Configuration): Asked {
  const { method, principal, address, server, claims } = options;
  const body = options.request === undefined ? undefined : readInput(options.request);
  return {
    method: method.toUpperCase(),
    path: options.path ?? match?.paths?.[0]?.replace(/\*$/, "") ?? "/mcp",
    headers: options.header,
    ...(body !== undefined && { body }),
    caller: { principal, address, cluster: server, ...(claims !== undefined && { claims: claimsIn(claims) }) },
  };
}

/** The claims in a text of JSON, or in a file. */
function claimsIn(text: string): Record<string, unknown> {
  const value = parsed(text.trimStart().startsWith("{") ? text : readInput(text));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error('--claims must be one JSON object, like {"sub":"a"}, or a file that contains one.');
}
