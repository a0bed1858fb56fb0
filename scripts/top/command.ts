/** The command `top`. */
import { type Command, Option } from "commander";
import { httpUrl, integer } from "../cli/arguments.ts";
import { withHelp } from "../cli/program.ts";

export const DIMENSIONS = ["server", "tool", "caller"] as const;
/** What a row is about. */
export type Dimension = (typeof DIMENSIONS)[number];

export const SORT_KEYS = ["calls", "errors", "p50", "p95", "tokens", "limited", "inflight"] as const;
/** What rows are sorted by, highest first. */
export type SortKey = (typeof SORT_KEYS)[number];

/** The options of `top`. */
export interface TopOptions {
  admin?: URL[];
  prometheus?: URL;
  by: Dimension;
  sort: SortKey;
  /** Seconds between two readings. */
  interval?: number;
  once?: boolean;
  output: "text" | "json";
}

/** Adds the command to the program. */
export function addTop(program: Command): void {
  const command = program
    .command("top")
    .description("Show which servers, tools or callers are busy, failing, slow or limited.")
    .option(
      "--admin <url>",
      "the admin address of an Envoy with the filter; may be repeated (default: http://127.0.0.1:9901)",
      (text: string, before: URL[] = []) => [...before, httpUrl(text)],
    )
    .addOption(
      new Option("--prometheus <url>", "a Prometheus that scrapes such Envoys: averages of its last 5 minutes")
        .argParser(httpUrl)
        .conflicts("admin"),
    )
    .addOption(new Option("--by <what>", "what a row is").choices(DIMENSIONS).default("tool"))
    .addOption(
      new Option("--sort <column>", "the column to sort by, highest first").choices(SORT_KEYS).default("calls"),
    )
    .option("--interval <seconds>", "seconds between two readings (default: 2; with --once 6)", integer(3600))
    .option("--once", "print one table, and end")
    .addOption(
      new Option("-o, --output <format>", "with json, one object per reading")
        .choices(["text", "json"])
        .default("text"),
    )
    .action(async (options: TopOptions) => {
      const { top } = await import("./run.ts");
      await top(options);
    });
  withHelp(command, {
    examples: [
      ["", "shows the tools of the Envoy whose admin address is 127.0.0.1:9901; q ends it"],
      ["--admin http://127.0.0.1:9901 --by caller --sort limited --once", "prints who is limited most"],
      ["--prometheus http://127.0.0.1:9090 --by server -o json --once", "prints the servers of a mesh, as JSON"],
    ],
    exitCodes: { 0: "ended by q or Ctrl-C, or printed", 2: "wrong arguments, or no statistics" },
  });
}
