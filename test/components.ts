/** Programs that some tests need and that a laptop may lack. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Whether `program` is on the PATH. Where it is not, one visible line says so and how to get it (`install`: a command),
 * for the caller to skip its tests; where `CI` is set it throws instead, since nothing may be skipped there.
 */
export function hasComponent(program: string, install: string): boolean {
  if ((process.env.PATH ?? "").split(delimiter).some((folder) => isExecutable(folder, program))) return true;
  const missing = `${program} is missing: ${install}`;
  if (process.env.CI) throw new Error(missing);
  console.warn(`Skipped: ${missing}`);
  return false;
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
