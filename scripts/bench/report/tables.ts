/** The figures as rows of text for any output. */
import type { Cell } from "../summary.ts";
import { oldIdOf } from "../variants.ts";
import { mebibytes, micros, rate, ratio, type Report, withSpread } from "./figures.ts";

/** A head and rows. */
export interface TextTable {
  /** Number of text columns, which come before the columns of numbers. */
  textColumns: number;
  head: string[];
  rows: string[][];
}

/** A row for each workload: what each variant adds, and how ours compare. */
export function overviewTable({ workloads, variants }: Report): TextTable {
  const compared = variants.filter(({ id }) => id !== "none");
  const ours = compared.filter(({ id }) => id !== "floor" && id !== "native");
  const head = ["CPU µs/request", "no filter", ...compared.map(({ id }) => `${id} adds`), ...ours.map(({ id }) => id)];
  const rows = workloads.map(({ id, title, cells, isMcp }) => {
    const cellOf = (variant: { id: string }) => cells.find((cell) => cell.variant === variant.id);
    const none = cellOf({ id: "none" });
    return [
      `(${id}) ${title}`,
      none === undefined ? "–" : micros(none.cpu.median),
      ...compared.map((variant) => addedText(cellOf(variant))),
      ...ours.map((variant) => comparison(cellOf(variant), isMcp)),
    ];
  });
  return { head, textColumns: 1, rows };
}

/** Compares MCP workloads with the native filter, by what is added; others with the empty filter, by the total. */
function comparison(cell: Cell | undefined, isMcp: boolean): string {
  const compared = isMcp ? cell?.addedToNative : cell?.totalToFloor;
  return compared === undefined ? "–" : `${ratio(compared)} ${isMcp ? "native" : "floor"}`;
}

/** A row for each variant with each workload. */
export function detailTable({ workloads }: Report): TextTable {
  const head = [
    "workload",
    "variant",
    "CPU µs/request",
    "added µs",
    "÷ native",
    "total ÷ floor",
    "requests/s",
    "p50 µs",
  ];
  head.push("p99 µs", "Envoy busy");
  const rows = workloads.flatMap(({ id, cells }) =>
    cells.map((cell) => [
      id,
      cell.variant,
      withSpread(cell.cpu, micros),
      addedText(cell),
      ratio(cell.addedToNative),
      ratio(cell.totalToFloor),
      rate(cell.throughput.median),
      micros(cell.p50.median),
      micros(cell.p99.median),
      `${(cell.envoyBusy.median * 100).toFixed(0)} %`,
    ]),
  );
  return { head, textColumns: 2, rows };
}

/** A row for each variant that was also measured with the old module. */
export function oldTable({ workloads }: Report): TextTable {
  const head = ["workload", "variant", "CPU µs/request", "old", "total ÷ old", "added ÷ old"];
  const threeDigits = (value: number) => value.toFixed(3);
  const rows = workloads.flatMap(({ id, cells }) =>
    cells.flatMap(({ variant, cpu, totalToOld, addedToOld }) => {
      const old = cells.find((cell) => cell.variant === oldIdOf(variant));
      if (old === undefined) return [];
      const ratios = [totalToOld, addedToOld].map((value) =>
        value === undefined ? "–" : withSpread(value, threeDigits),
      );
      return [[id, variant, withSpread(cpu, micros), withSpread(old.cpu, micros), ...ratios]];
    }),
  );
  return { head, textColumns: 2, rows };
}

/** A row for each variant: CPU time of the start of its own Envoy, and its resident memory. */
export function memoryTable({ memory, workloads }: Report): TextTable {
  const head = ["variant", "CPU ms to start", "idle MiB", ...workloads.map(({ id }) => `peak MiB in (${id})`)];
  const rows = memory.map(({ variant, startMicros, idleBytes, peakBytes }) => [
    variant,
    (startMicros / 1000).toFixed(0),
    mebibytes(idleBytes),
    ...workloads.map(({ id }) => mebibytes(peakBytes[id])),
  ]);
  return { head, textColumns: 1, rows };
}

function addedText(cell: Cell | undefined): string {
  return cell?.added === undefined ? "–" : micros(cell.added.median);
}
