/**
 * Runs test/fixtures/mesh-types: validates a file with the meshes' own Go types and the definitions of their resources.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { buildGoProgram } from "../fixtures/go.ts";
import { definitionFiles } from "./definitions.ts";

/**
 * A decode request: `text` is YAML (or JSON), or HCL for "consul". `kind` is the type of a "patch" or an "envoy"
 * message.
 */
export interface Request {
  type: "kubernetes" | "patch" | "helm" | "consul" | "compose" | "envoy";
  kind?: string;
  text: string;
}

/** The decoded value, or why it cannot be decoded. */
export interface Answer {
  error?: string;
  value?: unknown;
}

/** The answers to these requests, in their order. Rejects if the program cannot be built or fails. */
export async function decodeAll(requests: readonly Request[]): Promise<Answer[]> {
  const child = spawn(await buildGoProgram("mesh-types"), await definitionFiles(), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const output = text(child.stdout);
  const ended = once(child, "close");
  child.stdin.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`mesh-types ended with ${code ?? "a signal"}`);
  const lines = (await output).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Answer);
}
