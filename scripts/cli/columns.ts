/** Fits text into columns of a terminal, where a character takes none, one or two of them. */
import cliTruncate from "cli-truncate";
import stringWidth from "string-width";

/** The text in exactly `width` columns: cut with "…", or with spaces after it. */
export function fitted(text: string, width: number): string {
  const short = cut(text, width);
  return short + " ".repeat(Math.max(0, width - stringWidth(short)));
}

/** The text in at most `width` columns, cut with "…". */
export function cut(text: string, width: number): string {
  return cliTruncate(text, width);
}
