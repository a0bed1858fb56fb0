/** The command `tap`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { userPath } from "../cli/arguments.ts";
import { withHelp } from "../cli/program.ts";
import { FIELDS, type Field } from "./message.ts";

/** The options of `tap`. A message is shown if it has one of the values of each option that has any. */
export interface TapOptions {
  follow?: boolean;
  server?: string[];
  tool?: string[];
  caller?: string[];
  outcome?: string[];
  /** Milliseconds. */
  slower?: number;
  not?: Exclusion[];
  output: "text" | "json";
}

/** Messages with this value of this field are not shown. */
export interface Exclusion {
  field: Field;
  value: string;
}

/** Adds the command to the program. */
export function addTap(program: Command): void {
  const command = program
    .command("tap")
    .description("Print a line for each MCP message, as it happens, from Envoy's JSON access log.")
    .argument("[file]", "the access log (default: standard input)", userPath)
    .option("-f, --follow", "wait for more lines at the end of the file, also after it was rotated")
    .option("--server <name>", "only messages to this server; may be repeated", another)
    .option("--tool <name>", "only calls of this tool, prompt or resource; may be repeated", another)
    .option("--caller <name>", "only messages of this principal or session; may be repeated", another)
    .option("--outcome <outcome>", "only this outcome: ok, tool_error, denied, …; may be repeated", another)
    .option("--slower <duration>", "only messages that took longer: 500ms, 2s", duration)
    .option("--not <field=value>", `not those with this value of ${FIELDS.join(", ")}; may be repeated`, exclusion)
    .addOption(
      new Option("-o, --output <format>", "with json, one object per line").choices(["text", "json"]).default("text"),
    )
    .action(async (file: string | undefined, options: TapOptions) => {
      const { tap } = await import("./run.ts");
      await tap(file, options);
    });
  withHelp(command, {
    examples: [
      ["access.log -f --outcome tool_error", "shows tools that fail, as they do"],
      ["--slower 2s --not method=initialize < access.log", "prints what took longer than two seconds"],
    ],
    exitCodes: { 0: "the log has ended, or Ctrl-C", 2: "wrong arguments, or an unreadable file" },
  });
}

function another(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Milliseconds. */
function duration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError("It must look like 500ms or 2s.");
  return Number(amount) * (unit === "s" ? 1000 : 1);
}

function exclusion(text: string, before: Exclusion[] = []): Exclusion[] {
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const field = FIELDS.find((known) => known === name);
  if (field === undefined) throw new InvalidArgumentError(`It must be FIELD=VALUE; fields are ${FIELDS.join(", ")}.`);
  return [...before, { field, value }];
}
