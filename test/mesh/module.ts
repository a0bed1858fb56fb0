/** The filter's module: as a file, and over HTTP as meshes fetch it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Upstream } from "../envoy/upstream.ts";

/** The built module. */
export const MODULE_PATH = fileURLToPath(new URL("../../build/mcp.wasm", import.meta.url));

/** A module on an HTTP server. */
export interface ServedModule {
  uri: string;
  /** In hexadecimal digits. */
  sha256: string;
}

/** Serves the module at a unique path of the server. */
export function serveModule(server: Upstream, module: Buffer = readFileSync(MODULE_PATH)): ServedModule {
  const path = server.route((_, response) => void response.writeHead(200, WASM_TYPE).end(module));
  return { uri: `http://${server.host}:${server.port}${path}`, sha256: sha256Of(module) };
}

/** The same code in other bytes: with a custom section that contains this text (of less than 100 bytes). */
export function rebuilt(text: string): Buffer {
  const name = Buffer.from("build");
  const content = Buffer.concat([Buffer.from([name.length]), name, Buffer.from(text)]);
  return Buffer.concat([readFileSync(MODULE_PATH), Buffer.from([0, content.length]), content]);
}

const WASM_TYPE = { "content-type": "application/wasm" };

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
