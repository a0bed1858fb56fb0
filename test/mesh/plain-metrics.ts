/** Reads the metrics of an Envoy whose bootstrap has none of our tags, so that the labels are in the names. */
import type { Envoy } from "../../scripts/envoy/process.ts";
import type { Metric } from "../envoy/prometheus.ts";
import { decodeMetricName } from "../../scripts/host/metric-name.ts";

const PREFIX = "wasmcustom.";

/** A response of Envoy's admin page. */
interface Stats {
  stats: (
    { name: string; value: number } | { histograms: { details: { name: string; totals: { count: number }[] }[] } }
  )[];
}

/** Like readMetrics, but for histograms only the number of values. */
export async function readPlainMetrics(envoy: Envoy): Promise<Metric[]> {
  // Envoy's own names for the metrics. /stats/prometheus has lost all characters but letters, digits and `_`.
  const answer = await fetch(`${envoy.adminUrl}/stats?format=json&histogram_buckets=detailed&filter=wasmcustom`);
  const { stats } = (await answer.json()) as Stats;
  return stats.flatMap((stat) => {
    if (!("histograms" in stat)) return [metricOf(stat.name, "", stat.value)];
    return stat.histograms.details.map(({ name, totals }) => {
      return metricOf(
        name,
        "_count",
        totals.reduce((sum, { count }) => sum + count, 0),
      );
    });
  });
}

function metricOf(stat: string, suffix: string, value: number): Metric {
  const { name, labels } = decodeMetricName(stat.slice(PREFIX.length));
  return { name: name + suffix, labels: { ...labels }, value };
}
