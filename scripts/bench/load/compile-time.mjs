/** Prints the milliseconds of CPU in which V8 compiles a module: the median of some runs. Started with Envoy's V8 settings. */
import { readFileSync } from "node:fs";

const RUNS = 5;
const bytes = readFileSync(process.argv[2]);
const times = Array.from({ length: RUNS }, (_, run) => {
  // Other bytes each time, or V8 takes the code from its cache.
  const name = Buffer.from(`run ${run}`);
  const section = Buffer.concat([Buffer.from([0, name.length + 1, name.length]), name]);
  const module = Buffer.concat([bytes, section]);
  const before = process.cpuUsage();
  new globalThis.WebAssembly.Module(module);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
});
console.log(times.toSorted((a, b) => a - b)[RUNS >> 1]);
