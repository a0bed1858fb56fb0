/** Decodes the name in a label's value (docs/metrics.md) for a terminal. Returns the value itself if the name contains
 *  characters that cannot be printed. */
export function nameOf(value: string): string {
  try {
    const name = decodeURIComponent(value);
    return /[\p{C}\p{Z}]/u.test(name.replaceAll(" ", "")) ? value : name;
  } catch {
    return value;
  }
}
