/** The name that a label's value shows (docs/metrics.md), for a terminal; the value itself where the name has characters that
 *  are not printed. */
export function nameOf(value: string): string {
  try {
    const name = decodeURIComponent(value);
    return /[\p{C}\p{Z}]/u.test(name.replaceAll(" ", "")) ? value : name;
  } catch {
    return value;
  }
}
