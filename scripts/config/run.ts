/** Prints the filter's manifest for a mesh (docs/cli.md). */
import { readFileSync } from "node:fs";
import { readJsonObject, readText } from "../cli/arguments.ts";
import { NEGATIVE } from "../cli/program.ts";
import { validateFile } from "../validate/file.ts";
import { locate, problemLine } from "../validate/report.ts";
import type { ConfigOptions, Mesh } from "./command.ts";
import { changedFile, fileOf, isUrl } from "./meshes.ts";

/** Runs the command. Sets the exit code. Throws one sentence if a file cannot be read. */
export function config(mesh: Mesh, options: ConfigOptions): void {
  refuse(mesh, options);
  const path = fileOf(mesh, options);
  const text = readFileSync(new URL(`../../envoy/${path}`, import.meta.url), "utf8");
  const file = options.config;
  if (file !== undefined && !isValid(file)) {
    process.exitCode = NEGATIVE;
    return;
  }
  const plugin = file === undefined ? undefined : readJsonObject(file);
  const failsClosed = plugin !== undefined && ("access" in plugin || "limits" in plugin);
  // These two only choose the file.
  const isChanged = Object.keys(options).some((name) => name !== "role" && name !== "environment");
  process.stdout.write(isChanged ? changedFile(mesh, text, { ...options, plugin, failsClosed }) : text);
}

/** Throws if options do not go together. */
function refuse(mesh: Mesh, { role, environment, namespace, file, sha256 }: ConfigOptions): void {
  if (mesh === "consul" && isUrl(file) && role === "outbound") {
    throw new Error("With --role outbound, --file must be a path at each Envoy.");
  }
  if (mesh === "consul" && sha256 !== undefined && !isUrl(file))
    throw new Error("--sha256 needs a --file that is a URL.");
  if (environment === "universal" && namespace !== undefined) {
    throw new Error("Resources outside of Kubernetes have no namespace: leave --namespace out.");
  }
}

/** Whether a plugin configuration has no errors. Reports them, and warnings, on standard error. */
function isValid(file: string): boolean {
  const text = readText(file);
  // The name says that the file is JSON, whatever the user calls it.
  const { problems } = validateFile("config.json", Buffer.from(text));
  for (const problem of problems) console.error(problemLine(locate(file, text, problem)));
  return problems.every(({ severity }) => severity === "warning");
}
