/** Runs test/fixtures/mesh-types: what the meshes' own Go types and the definitions of their resources say of a file. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { buildGoProgram } from "../fixtures/go.ts";
import { definitionFiles } from "./definitions.ts";

/** Something to decode: `text` is YAML (or JSON), for "consul" HCL; `kind` is the type of a "patch" or an "envoy" message. */
export interface Request {
  type: "kubernetes" | "patch" | "helm" | "consul" | "envoy";
  kind?: string;
  text: string;
}

/** What was decoded, or why it cannot be. */
export interface Answer {
  error?: string;
  value?: unknown;
}

/** The answers to these requests, in their order. Rejects where the program cannot be built or fails. */
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
