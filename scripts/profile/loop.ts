/**
 * The process that `npm run profile` profiles: drives one workload through the module in the bare host. Its arguments
 * are the module, the id of the workload and the configuration. It prints one line when it has warmed up, and one at
 * the end with the CPU time of an exchange in microseconds.
 */
import { readFileSync } from "node:fs";
import { BareHost } from "../bench/traces/bare-host.ts";
import { exchangeOf } from "../bench/traces/exchange.ts";
import { WORKLOADS } from "../bench/workloads.ts";

const WARM_UP_MS = 1000;
const PROFILED_MS = 5000;
/** Number of exchanges between two ticks, in which a second passes. */
const PER_TICK = 500;

const [modulePath, id, configuration] = process.argv.slice(2);
const host = new BareHost(new WebAssembly.Module(readFileSync(modulePath)), JSON.parse(configuration) as object);
const exchange = exchangeOf(WORKLOADS.find((workload) => workload.id === id)!);
let count = 0;

runFor(WARM_UP_MS);
console.log("warm");
const before = process.cpuUsage();
count = 0;
runFor(PROFILED_MS);
const { user, system } = process.cpuUsage(before);
console.log(((user + system) / count).toFixed(2));

function runFor(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    host.run(exchange);
    if (++count % PER_TICK === 0) host.tick();
  }
}
