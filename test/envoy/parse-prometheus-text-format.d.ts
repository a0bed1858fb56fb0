declare module "parse-prometheus-text-format" {
  /** The package's own types: it has none. Only what untyped samples look like, since we feed it no `# TYPE` lines. */
  export default function parse(
    text: string,
  ): { name: string; metrics: { value: string; labels?: Record<string, string> }[] }[];
}
