declare module "parse-prometheus-text-format" {
  /** The package has no types of its own. These are the ones of a text without `# TYPE` lines. Throws InvalidLineError. */
  export default function parse(
    text: string,
  ): { name: string; metrics: { value: string; labels?: Record<string, string> }[] }[];
}
