/** The command `dashboard`. */
import { readFileSync } from "node:fs";
import { Argument, type Command } from "commander";
import { withHelp } from "../cli/program.ts";

const KINDS = ["grafana", "perses"];

/** Adds the command to the program. */
export function addDashboard(program: Command): void {
  const command = program
    .command("dashboard")
    .description("Print the dashboard for Grafana or Perses, as JSON.")
    .addArgument(new Argument("<kind>", "for which program").choices(KINDS))
    .action((kind: string) => {
      process.stdout.write(readFileSync(new URL(`../../envoy/dashboards/${kind}.json`, import.meta.url)));
    });
  withHelp(command, {
    examples: [["grafana > mcp.json", "writes the dashboard to import in Grafana"]],
    exitCodes: { 0: "printed", 2: "wrong arguments" },
  });
}
