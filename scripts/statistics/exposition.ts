/** Reads the Prometheus text format, as Envoy and every other exporter write it. */
import parse from "parse-prometheus-text-format";

/** One line of an exposition. A histogram consists of `_bucket` (label `le`), `_sum` and `_count` samples. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** The samples whose name starts with `prefix`, in the text's order. Throws if such a line is not of this format. */
export function readSamples(text: string, prefix: string): Sample[] {
  // Without comments, each line remains a sample of its own: from a `# TYPE` of histogram, the parser would merge the buckets of
  // all label sets. It ignores a last line without a line end.
  const lines = text.split("\n").filter((line) => line.startsWith(prefix) && !line.startsWith("#"));
  return parse(`${lines.join("\n")}\n`).flatMap(({ name, metrics }) =>
    metrics.map(({ labels = {}, value }) => ({ name, labels, value: numberOf(value) })),
  );
}

/** A number of an exposition, also the upper bound of a bucket: +Inf is Infinity. */
export function numberOf(text: string): number {
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}
