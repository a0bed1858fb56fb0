/** Prints what was found in files. */
import { colors } from "../cli/colors.ts";
import { printable } from "../cli/terminal.ts";
import type { Problem } from "./problem.ts";

/** A problem with its file, and its line and column there, both from 1; columns are in characters. */
export interface Located extends Omit<Problem, "offset"> {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A problem of a file with this text. */
export function locate(file: string, text: string, { offset, ...problem }: Problem): Located {
  const before = text.slice(0, offset).split("\n");
  return { file, line: before.length, column: [...(before.at(-1) ?? "")].length + 1, ...problem };
}

/** A problem on one line: `plugin.json:3:5: error: access.mode: expected …`. */
export function problemLine({ file, line, column, severity, path, message }: Located): string {
  const colour = severity === "error" ? colors.red : colors.yellow;
  const place = `${printable(file)}:${line}:${column}:`;
  return `${place} ${colour(`${severity}:`)} ${printable(path === "" ? message : `${path}: ${message}`)}`;
}

/** A number of things in words. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
