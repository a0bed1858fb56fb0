/** Parsers of arguments that several commands have. Each throws InvalidArgumentError with one sentence. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";

/** A parser of whole numbers from 1 to `max`. */
export function integer(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
    }
    return value;
  };
}

/** An http or https URL. */
export function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError("It must look like http://host:port/path.");
  }
  return url;
}

/** Adds one header, "name: value", to those before. */
export function header(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^\s:]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must look like 'name: value'.");
  return { ...before, [name]: value };
}

/** The path that means standard input. */
export const STANDARD_INPUT = "-";

/** The text of a file of the user. */
export function readText(path: string): string {
  return readAll(path, userPath(path)).toString();
}

/** The bytes of a file of the user, or of standard input. */
export function readInput(path: string): Buffer {
  return readAll(path, path === STANDARD_INPUT ? 0 : userPath(path));
}

/** The message names the path, because not every command shows its arguments with it. */
function readAll(path: string, source: string | number): Buffer {
  try {
    return readFileSync(source);
  } catch (error) {
    throw new InvalidArgumentError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** The JSON object in a file of the user. */
export function readJsonObject(path: string): Record<string, unknown> {
  const text = readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`The file is not valid JSON (${(error as Error).message.replaceAll("\n", " ")}).`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError("The file must contain one JSON object.");
  }
  return value as Record<string, unknown>;
}

/** The absolute path of a path that the user has written. npm runs the scripts of this package in the package's folder, not in
 *  the user's. */
export function userPath(path: string): string {
  const isOwnScript = process.env.npm_package_name === "mcp-proxy-wasm" && process.env.npm_command !== "exec";
  return resolve((isOwnScript ? process.env.INIT_CWD : undefined) ?? ".", path);
}
