/**
 * Prints the CPU time in milliseconds that V8 needs to compile a module: the median of several runs. Must be started
 * with Envoy's V8 settings.
 */
import { readFileSync } from "node:fs";

const RUNS = 5;
const bytes = readFileSync(process.argv[2]);
const times = Array.from({ length: RUNS }, (_, run) => {
  // Different bytes in each run prevent V8 from using its code cache.
  const name = Buffer.from(`run ${run}`);
  const section = Buffer.concat([Buffer.from([0, name.length + 1, name.length]), name]);
  const module = Buffer.concat([bytes, section]);
  const before = process.cpuUsage();
  new globalThis.WebAssembly.Module(module);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
});
console.log(times.toSorted((a, b) => a - b)[RUNS >> 1]);
