/** A metric's own name and its labels, taken apart from the one string that proxy-wasm knows. */
export interface MetricName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Takes `tag=.=value;.;tag=.=value;.;name` apart, as the stats_tags rules of Envoy's bootstrap do. */
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

/** Renders a metric as Prometheus would, `name{a="x",b="y"}`, labels sorted: a key to compare snapshots by. */
export function formatMetricName({ name, labels }: MetricName): string {
  const keys = Object.keys(labels).sort();
  return keys.length === 0 ? name : `${name}{${keys.map((key) => `${key}="${labels[key]}"`).join(",")}}`;
}

/** Whether the metric carries (at least) these labels with these values. */
export function hasLabels(metric: MetricName, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => metric.labels[key] === value);
}
