/**
 * `npm run bench:traces`: measures what traces cost the filter, with a host in this process. In Envoy, differences
 * below a microsecond would be lost in the rest of a request's cost.
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { loadModule } from "../host/index.ts";
import { MODULE_PATH } from "./bootstrap.ts";
import { choice, number, pathOf } from "./options.ts";
import { renderTerminal } from "./report/terminal.ts";
import { type Spread, spread } from "./summary.ts";
import { type BareExchange, BareHost } from "./traces/bare-host.ts";
import { SAMPLED, UNSAMPLED, UNTRACED } from "./traces/configuration.ts";
import { exchangeOf } from "./traces/exchange.ts";
import { toolCall } from "./messages.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

/** Headers that a client sends. */
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED_PARENT = TRACEPARENT.replace(/01$/, "00");

interface Case {
  id: string;
  title: string;
  exchange: BareExchange;
}

const [CALL, STREAM] = ["a", "e"].map((id) => WORKLOADS.find((workload) => workload.id === id)!);

const CASES: readonly Case[] = [
  caseOf("call", "tools/call 150 B → JSON 500 B", CALL),
  caseOf("meta", "the same, 250 B with a context in _meta", CALL, toolCall(250, { traceparent: TRACEPARENT })),
  caseOf("meta-unsampled", "the same, not sampled", CALL, toolCall(250, { traceparent: UNSAMPLED_PARENT })),
  caseOf("stream", "as the first, SSE with 3 × progress", STREAM),
];

/** The second one shows the spread of figures for the same configuration. */
const CONFIGURATIONS = { untraced: UNTRACED, again: UNTRACED, unsampled: UNSAMPLED, sampled: SAMPLED };
type Configuration = keyof typeof CONFIGURATIONS | "old";

/** Number of calls between two ticks, in which a second passes. */
const CALLS_PER_TICK = 500;

interface Options {
  rounds: number;
  calls: number;
  only: readonly Case[];
  against?: string;
  json?: string;
}

/** CPU time per exchange in microseconds, and the difference to the time without traces in the same round. */
interface Result {
  case: string;
  configuration: Configuration;
  cpu: Spread;
  added: Spread;
  /** Number of bytes per exchange that the collector received. */
  bytes: number;
}

const options = new Command("npm run bench:traces --")
  .description("Measures the CPU that traces add to an operation, in Node's V8 and without a proxy around it.")
  .option("--rounds <number>", "how often each is measured", number(1000, true), 40)
  .option("--calls <number>", "exchanges each time", number(1_000_000, true), 5000)
  .addOption(choice("--only <ids>", "cases, by id: call,meta", CASES))
  .option("--against <file>", "an old module, which is measured without traces", pathOf)
  .option("--json <file>", "writes all figures")
  .parse()
  .opts<Options>();

const results = options.only.flatMap((each) => measure(each, options));
console.log(
  renderTerminal({
    head: ["exchange", "configuration", "µs", "added µs", "exported bytes"],
    textColumns: 2,
    rows: results.map(({ case: id, configuration, cpu, added, bytes }) => [
      CASES.find((each) => each.id === id)!.title,
      configuration,
      quartiles(cpu),
      configuration === "untraced" ? "–" : quartiles(added),
      bytes.toFixed(0),
    ]),
  }),
);
if (options.json !== undefined) {
  await writeFile(resolve(process.env.INIT_CWD ?? ".", options.json), `${JSON.stringify(results, null, 2)}\n`);
}

function caseOf(id: string, title: string, workload: Workload, body?: string): Case {
  return { id, title, exchange: exchangeOf(workload, body) };
}

/** Measures in rounds, each with all configurations in turn. */
function measure({ id, exchange }: Case, { rounds, calls, against }: Options): Result[] {
  const start = (name: Configuration, configuration: object, module = MODULE_PATH) => {
    return { name, host: new BareHost(loadModule(module), configuration), times: [] as number[] };
  };
  const contestants = Object.entries(CONFIGURATIONS).map(([name, configuration]) =>
    start(name as Configuration, configuration),
  );
  if (against !== undefined) contestants.push(start("old", UNTRACED, against));
  for (const { host } of contestants) run(host, exchange, calls);
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < contestants.length; index++) {
      const { host, times } = contestants[(index + round) % contestants.length];
      const before = process.cpuUsage();
      run(host, exchange, calls);
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / calls);
    }
  }
  for (const { name, host } of contestants) prove(name, id, host, calls * (rounds + 1));
  const [untraced] = contestants;
  return contestants.map(({ name, times, host }) => ({
    case: id,
    configuration: name,
    cpu: spread(times),
    added: spread(times.map((time, round) => time - untraced.times[round])),
    bytes: host.exported / ((rounds + 1) * calls),
  }));
}

/** Throws if the filter has not read everything, or has not exported what it should have. */
function prove(name: Configuration, id: string, host: BareHost, calls: number): void {
  for (let tick = 0; tick < 3; tick++) host.tick();
  const operations = host.count("mcp_operations_total", "=ok");
  const spans = host.count("mcp_trace_spans_total", "=exported");
  const isExported = name === "sampled" && id !== "meta-unsampled";
  const expected = isExported || (name === "unsampled" && id === "meta") ? calls : 0;
  if (operations === calls && spans === expected) return;
  throw new Error(`${id}, ${name}: of ${calls} operations ${operations} were counted and ${spans} exported.`);
}

/** Drives this number of exchanges through a filter. */
function run(host: BareHost, exchange: BareExchange, calls: number): void {
  for (let call = 1; call <= calls; call++) {
    host.run(exchange);
    if (call % CALLS_PER_TICK === 0) host.tick();
  }
}

function quartiles({ median, low, high }: Spread): string {
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
