import { printable } from "../cli/terminal.ts";

/** Decodes the name in a label's value (docs/metrics.md) for a terminal. Returns the value itself if the name contains
 *  characters that cannot be printed; a value that the filter has not encoded may contain such characters, and they are escaped. */
export function nameOf(value: string): string {
  try {
    const name = decodeURIComponent(value);
    return /[\p{C}\p{Z}]/u.test(name.replaceAll(" ", "")) ? printable(value) : name;
  } catch {
    return printable(value);
  }
}
