/** AssemblyScript modules that scripts drive, compiled with the options of the filter. */
import { readFileSync } from "node:fs";
import { type ASUtil, instantiateSync } from "@assemblyscript/loader";
import asc from "assemblyscript/asc";

/** A file that is never there: without it asc adds the filter's own entry and output from asconfig.json. */
const NO_CONFIG = ["--config", "build/none.json"];

/** The part of asconfig.json that decides on the code. */
interface AsConfig {
  options: { runtime: string; enable: string[] };
}

/** The exports of a module, compiled now. */
export async function compile<Exports extends object>(entry: string): Promise<Exports & ASUtil> {
  const { options } = JSON.parse(readFileSync("asconfig.json", "utf8")) as AsConfig;
  const shared = ["--runtime", options.runtime, "--enable", options.enable.join(",")];
  const flags = [...shared, ...NO_CONFIG, "-O3", "--noAssert", "--exportRuntime"];
  let module: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main([entry, "--outFile", "module.wasm", ...flags], {
    stderr,
    writeFile: (_, contents) => {
      module = contents as Uint8Array;
    },
  });
  if (error !== null || module === undefined) throw new Error(`${entry} does not compile:\n${stderr.toString()}`);
  return instantiateSync<Exports & Record<string, unknown>>(module, {}).exports;
}
