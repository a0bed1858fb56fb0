/** A value, or a name, as Envoy's exposition shows it within a metric's name. */
export function sanitized(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, "_");
}
