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

Written by \`${commandOf(report)}\`; do not edit. No test asserts a time: what matters is how variants compare in one run.

One Envoy with one worker thread has a listener for each variant, all in front of the same upstream:

${variants.map(({ id, title }) => `- \`${id}\`: ${title}`).join("\n")}

CPU is that of the whole Envoy process, as the operating system counts it, for each request: the connections to client and
upstream are part of it. Figures are medians of ${settings.rounds} rounds, with the quartiles in parentheses. A round measures
all variants, one after another, and ratios are computed within a round. ${loadOf(report)}

The native filter reads requests but not their answers, and counts only bad requests. This filter reads both directions.
${chart === undefined ? "" : `\n![CPU added per request, beside the native filter](${chart})\n`}
## CPU per request

${markdown(overviewTable(report))}

## All figures

${markdown(detailTable(report))}

## Start and memory

Each variant in an Envoy of its own: CPU until it is ready, for which a module is loaded, compiled and configured for the main
thread and for the worker; resident memory before the first request, and its peak in each workload.

${markdown(memoryTable(report))}

The module has ${environment.moduleBytes} bytes.

## What was run

${markdown({ head: ["workload", "bytes of the request", "of the response", "requests in each cell"], textColumns: 1, rows: sizes })}

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
      ...(decisions ? [[`\`${variant}\``, `its rule decided ${decisions.counted} of ${decisions.sent}`]] : []),
      ...(spans ? [[`\`${variant}\``, `${spans.counted} spans of ${spans.sent} requests were exported`]] : []),
      ...(faults ? [[`\`${variant}\``, `found ${faults.counted} of ${faults.sent} broken bodies`]] : []),
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
  return `${connections} connections are kept busy all the time, so latency is mostly the wait for the worker.`;
}

function markdown({ head, textColumns, rows }: TextTable): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_title, column) => (column < textColumns ? "---" : "--:"));
  return [head, rule, ...rows].map(line).join("\n");
}
