/** Programs that some tests need and that a laptop may lack. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Whether `program` is on the PATH. Where it is not, one visible line says so and how to get it (`install`: a command),
 * for the caller to skip its tests; where `CI` is set it throws instead, since nothing may be skipped there.
 */
export function hasComponent(program: string, install: string): boolean {
  if ((process.env.PATH ?? "").split(delimiter).some((folder) => isExecutable(folder, program))) return true;
  skip(new Error(`${program} is missing: ${install}`));
  return false;
}

/** Says in one visible line why the caller skips tests. Throws where `CI` is set, since nothing may be skipped there. */
export function skip(reason: Error): void {
  if (process.env.CI) throw reason;
  console.warn(`Skipped: ${reason.message}`);
}

function isExecutable(folder: string, program: string): boolean {
  if (folder === "") return false;
  try {
    accessSync(join(folder, program), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
