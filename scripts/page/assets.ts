/** The files of the page, by their paths on the server. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

export interface Asset {
  type: string;
  content: Buffer;
}

const CLIENT = fileURLToPath(new URL("client/", import.meta.url));
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Reads the files of client/ and those of the charts' library. */
export function readAssets(): Map<string, Asset> {
  const { resolve } = createRequire(import.meta.url);
  const files: [path: string, file: string][] = readdirSync(CLIENT)
    .filter((name) => extname(name) in TYPES)
    .map((name) => [name === "index.html" ? "/" : `/${name}`, CLIENT + name]);
  files.push(["/uplot.js", resolve("uplot/dist/uPlot.esm.js")], ["/uplot.css", resolve("uplot/dist/uPlot.min.css")]);
  return new Map(files.map(([path, file]) => [path, { type: TYPES[extname(file)], content: readFileSync(file) }]));
}
