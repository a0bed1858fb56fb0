/** The name and the labels of a metric, parsed from the single string of proxy-wasm. */
export interface MetricName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Parses `tag=.=value;.;tag=.=value;.;name` like the stats_tags rules of Envoy's bootstrap. */
export function decodeMetricName(encoded: string): MetricName {
  const parts = encoded.split(";.;");
  const name = parts.pop() ?? "";
  const labels: Record<string, string> = {};
  for (const part of parts) {
    const at = part.indexOf("=.=");
    if (at < 0) throw new Error(`metric ${encoded}: "${part}" is no tag`);
    const tag = part.slice(0, at);
    if (tag in labels) throw new Error(`metric ${encoded}: tag ${tag} twice`);
    labels[tag] = part.slice(at + 3);
  }
  return { name, labels };
}

/** Renders a metric as in Prometheus, `name{a="x",b="y"}`, with sorted labels. The result is a key for comparing snapshots. */
export function formatMetricName({ name, labels }: MetricName): string {
  const keys = Object.keys(labels).sort();
  return keys.length === 0 ? name : `${name}{${keys.map((key) => `${key}="${labels[key]}"`).join(",")}}`;
}

/** Whether the metric has all of these labels with these values. */
export function hasLabels(metric: MetricName, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => metric.labels[key] === value);
}
