/** Parts of the panels' queries. */

/** Outcomes of operations that failed; those that were denied, limited or cancelled did not. */
export const FAILED = 'mcp_outcome=~"tool_error|rpc_error|unanswered|http_error|upstream_error"';
/** Operations that reached a server. */
export const FORWARDED = 'mcp_outcome!~"denied|limited"';
/** Durations of operations that reached a server. */
export const TIMED = 'error_type!~"denied|limited"';
export const CALLS = 'mcp_method_name="tools/call"';

/** The chosen series of a family whose metrics have a server. `more` are further matchers. */
export function ofServer(family: string, more = ""): string {
  return selector(family, ['mcp_role="$role"', 'mcp_server=~"$server"', more]);
}

/** The chosen series of a family whose metrics have a role and no server. */
export function ofRole(family: string): string {
  return selector(family, ['mcp_role="$role"']);
}

/** The chosen series of a family whose metrics have neither. */
export function ofProxy(family: string): string {
  return selector(family, []);
}

function selector(family: string, matchers: string[]): string {
  return `${family}{${['namespace=~"$namespace"', ...matchers].filter((matcher) => matcher !== "").join(", ")}}`;
}

/** A counter's events per second. */
export function rate(counter: string): string {
  return `rate(${counter}[$__rate_interval])`;
}

/** A counter's events within the selected time range, including the first event, with which a counter begins. */
export function events(counter: string): string {
  return `((${counter} unless ${counter} offset $__range) or increase(${counter}[$__range]))`;
}

/** The sum by labels. Without labels, the sum of all. */
export function sum(labels: string[], expression: string): string {
  return aggregation("sum", labels, expression);
}

/** The maximum by labels. */
export function max(labels: string[], expression: string): string {
  return aggregation("max", labels, expression);
}

function aggregation(operator: string, labels: string[], expression: string): string {
  return labels.length === 0 ? `${operator}(${expression})` : `${operator} by (${labels.join(", ")}) (${expression})`;
}

/** The highest values, without those that are 0. */
export function top(count: number, expression: string): string {
  return `topk(${count}, ${expression} > 0)`;
}

/** A quantile of a histogram by labels, over time. */
export function quantile(q: number, labels: string[], histogram: string): string {
  return quantileOf(q, labels, rate(bucketsOf(histogram)));
}

/**
 * A quantile of a histogram by labels, within the selected time range; of those with enough events for it: 10 for p50, 20
 * for p95, 100 for p99.
 */
export function quantileOfRange(q: number, labels: string[], histogram: string): string {
  const enough = `${sum(labels, events(countOf(histogram)))} >= ${Math.round(Math.max(10, 1 / (1 - q)))}`;
  return `${quantileOf(q, labels, events(bucketsOf(histogram)))} and ${enough}`;
}

function quantileOf(q: number, labels: string[], buckets: string): string {
  return `histogram_quantile(${q}, ${sum([...labels, "le"], buckets)})`;
}

function bucketsOf(histogram: string): string {
  return histogram.replace("{", "_bucket{");
}

function countOf(histogram: string): string {
  return histogram.replace("{", "_count{");
}

/** p50, p95 and p99 as the queries of a table. */
export function percentileColumns(labels: string[], histogram: string): { expr: string; legend: string }[] {
  return [0.5, 0.95, 0.99].map((q) => ({
    expr: quantileOfRange(q, labels, histogram),
    legend: `p${Math.round(100 * q)}`,
  }));
}
