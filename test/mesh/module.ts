/** The filter's module: as a file that is there, and over HTTP as meshes fetch it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Upstream } from "../envoy/upstream.ts";

/** The module that was built. */
export const MODULE_PATH = fileURLToPath(new URL("../../build/mcp.wasm", import.meta.url));

/** A module that an HTTP server has. */
export interface ServedModule {
  uri: string;
  /** In hexadecimal digits. */
  sha256: string;
}

/** Has the server answer with the module, at a path of its own. */
export function serveModule(server: Upstream, module: Buffer = readFileSync(MODULE_PATH)): ServedModule {
  const path = server.route((_, response) => void response.writeHead(200, WASM_TYPE).end(module));
  return { uri: `http://${server.host}:${server.port}${path}`, sha256: sha256Of(module) };
}

/** The same code in other bytes: with a custom section, which holds this text (of less than 100 bytes). */
export function rebuilt(text: string): Buffer {
  const name = Buffer.from("build");
  const content = Buffer.concat([Buffer.from([name.length]), name, Buffer.from(text)]);
  return Buffer.concat([readFileSync(MODULE_PATH), Buffer.from([0, content.length]), content]);
}

const WASM_TYPE = { "content-type": "application/wasm" };

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
