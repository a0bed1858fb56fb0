/** The report as a Markdown page with a chart. */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { format, resolveConfig } from "prettier";
import { renderChart } from "./chart.ts";
import type { Report } from "./figures.ts";
import { VARIANTS } from "../variants.ts";
import { detailTable, memoryTable, overviewTable, type TextTable } from "./tables.ts";

/** Writes the page, and the chart under the same name with `.svg`. */
export async function writePage(file: string, report: Report): Promise<void> {
  const chartFile = file.slice(0, file.length - extname(file).length) + ".svg";
  const chart = await renderChart(report);
  const page = renderPage(report, chart === undefined ? undefined : basename(chartFile));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, await format(page, { ...(await resolveConfig(file)), parser: "markdown" }));
  if (chart !== undefined) await writeFile(chartFile, chart);
}

function renderPage(report: Report, chart: string | undefined): string {
  const { environment, settings, variants, workloads, proofs } = report;
  const { machine, versions } = environment;
  const sizes = workloads.map(({ id, title, requestBytes, responseBytes, requests }) => [
    `(${id}) ${title}`,
    ...[requestBytes, responseBytes, requests].map(String),
  ]);
  return `# Performance

Written by \`${commandOf(report)}\`; do not edit. No test asserts a time. Compare variants only within one run.

One Envoy with one worker thread has a listener for each variant. All listeners lead to the same upstream. The variants:

${variants.map(({ id, title }) => `- \`${id}\`: ${title}`).join("\n")}

CPU is the CPU time of the whole Envoy process, as the operating system counts it, divided by the number of requests. It includes
the connections to the client and to the upstream. Figures are medians of ${settings.rounds} rounds, with the quartiles in parentheses. A round
measures all variants, one after another. Ratios are computed within each round, and the figure is the median of these ratios.
${loadOf(report)}

The native filter reads requests but not their answers, and counts only invalid requests. This filter reads both directions.
${chart === undefined ? "" : `\n![CPU added per request, relative to the native filter](${chart})\n`}
## CPU per request

\`X adds\` is the CPU time that variant X adds to \`none\`. The last columns are ratios. For MCP, they show what X adds, divided by what
\`native\` adds. For other traffic, they show the total of X, divided by the total of \`floor\`. A dash means that noise hid what the
reference adds in at least one round. A negative value means that noise was larger than what X adds.

${markdown(overviewTable(report))}

## All figures

${markdown(detailTable(report))}

## Start and memory

Each variant starts in an Envoy of its own. \`CPU ms to start\` is the CPU time until this Envoy is ready: a Wasm module is loaded,
compiled and configured for the main thread and for the worker. \`idle MiB\` is the resident memory before the first request.
\`peak MiB in (a)\` is the highest resident memory in workload (a).

${markdown(memoryTable(report))}

The module has ${environment.moduleBytes} bytes.

## What was run

${markdown({ head: ["workload", "bytes of the request", "bytes of the response", "requests per variant and round"], textColumns: 1, rows: sizes })}

${markdown({
  head: ["", ""],
  textColumns: 2,
  rows: [
    ["date, commit", `${environment.date}, ${environment.commit}`],
    ["machine", `${machine.processor}, ${machine.cores} cores, ${machine.system}`],
    ["load average before", environment.loadAverage.toFixed(2)],
    ["versions", `Envoy ${versions.envoy}, ${versions.generator}, Node.js ${versions.node}`],
    ...proofs.flatMap(({ variant, operations, decisions, spans, faults }) => [
      ...(operations ? [[`\`${variant}\``, `counted ${operations.counted} of ${operations.sent} requests`]] : []),
      ...(decisions ? [[`\`${variant}\``, `its rule decided ${decisions.counted} of ${decisions.sent} requests`]] : []),
      ...(spans ? [[`\`${variant}\``, `${spans.counted} spans of ${spans.sent} requests were exported`]] : []),
      ...(faults ? [[`\`${variant}\``, `found ${faults.counted} of ${faults.sent} invalid bodies`]] : []),
    ]),
  ],
})}
`;
}

/** The command that writes the page. */
function commandOf({ settings, variants }: Report): string {
  const chosen = variants.length < VARIANTS.length ? `--variants ${variants.map(({ id }) => id).join(",")} ` : "";
  const rate = settings.rate === undefined ? "" : `--rate ${settings.rate} `;
  return `npm run bench -- --rounds ${settings.rounds} ${rate}${chosen}--write`;
}

function loadOf({ settings: { connections, rate } }: Report): string {
  if (rate !== undefined) return `${connections} connections send ${rate} requests a second.`;
  return `${connections} connections always have an open request, so latency is mostly the wait for the worker.`;
}

function markdown({ head, textColumns, rows }: TextTable): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_title, column) => (column < textColumns ? "---" : "--:"));
  return [head, rule, ...rows].map(line).join("\n");
}
