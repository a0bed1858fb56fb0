/** Parses the Prometheus text format, as far as Envoy writes it: no timestamps, no exemplars. */

/** One line of an exposition. A histogram consists of `_bucket` (label `le`), `_sum` and `_count` samples. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** The samples whose name starts with `prefix`, in the text's order. */
export function readSamples(text: string, prefix: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const found = line.startsWith(prefix) ? LINE.exec(line) : null;
    if (found === null) continue;
    const [, name, labelText = "", value] = found;
    const labels = [...labelText.matchAll(LABEL)].map(([, label, escaped]) => [label, unescapeValue(escaped)]);
    samples.push({ name, labels: Object.fromEntries(labels) as Record<string, string>, value: Number(value) });
  }
  return samples;
}

function unescapeValue(escaped: string): string {
  return escaped.replace(/\\(.)/g, (_match, character: string) => (character === "n" ? "\n" : character));
}
