/** The shipped files of the meshes, parsed. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { decodeAll } from "./mesh-types.ts";

/** Reads a file of envoy/, e.g. `istio/gateway.yaml`. */
export function readShipped(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../envoy/${path}`, import.meta.url)), "utf8");
}

/** The only document of a YAML file. Each key of `replaced` must occur once in the text, and is replaced first. */
export function readYaml<T>(path: string, replaced: Record<string, string | number> = {}): T {
  let text = readShipped(path);
  for (const [from, to] of Object.entries(replaced)) {
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`${path} has ${parts.length - 1} times: ${from}`);
    text = parts.join(String(to));
  }
  return parse(text) as T;
}

/** All documents of a YAML file. */
export function readYamls<T>(path: string): T[] {
  return parseAllDocuments(readShipped(path)).map((document) => document.toJS() as T);
}

/** A configuration entry of Consul, decoded as Consul does. Rejects with Consul's reason. */
export async function readHcl<T>(path: string): Promise<T> {
  const [{ error, value }] = await decodeAll([{ type: "consul", text: readShipped(path) }]);
  if (error !== undefined) throw new Error(`${path}: ${error}`);
  return value as T;
}
