/** The command `validate`. */
import { type Command, Option } from "commander";
import { BUILDS } from "../builds.ts";
import { withHelp } from "../cli/program.ts";

/** The options of `validate`. */
export interface ValidateOptions {
  /** The name of a build of the module. */
  build: string;
  output: "text" | "json";
}

/** Adds the command to the program. */
export function addValidate(program: Command): void {
  const command = program
    .command("validate")
    .description("Check plugin configurations, alone or in a mesh's manifests, as the filter itself reads them.")
    .argument("<file...>", "a plugin configuration, or a manifest with one: YAML, JSON or HCL; - is standard input")
    .addOption(
      new Option("--build <build>", "the build of the module that reads the configurations")
        .choices(BUILDS.map(({ name }) => name))
        .default(BUILDS[0].name),
    )
    .addOption(
      new Option("-o, --output <format>", "how problems are printed").choices(["text", "json"]).default("text"),
    )
    .action(async (files: string[], options: ValidateOptions) => {
      const { validate } = await import("./run.ts");
      validate(files, options);
    });
  withHelp(command, {
    examples: [
      ["plugin.json", "checks a plugin configuration"],
      ["envoy/istio/*.yaml", "checks all plugin configurations in these manifests"],
      ["--build lite plugin.json", "checks it for Google Cloud's Service Extensions"],
      ["-o json - < envoy.yaml", "prints the problems of a file on standard input as JSON"],
    ],
    exitCodes: { 0: "no errors; there may be warnings", 1: "errors", 2: "wrong arguments, or an unreadable file" },
  });
}
