// Preloaded into the suite on a Node below 22, whose `fs` has no globSync. The suite imports it by name, and so would not
// load; it calls it only to sum up results of its own, which is not what we run.
import { register } from "node:module";

const FS_WITH_GLOB = `data:text/javascript,export * from "node:fs"; export const globSync = undefined;`;
const HOOKS = `export function resolve(specifier, context, next) {
  const isSuite = context.parentURL?.endsWith("/@modelcontextprotocol/conformance/dist/index.js");
  if (isSuite && specifier === "fs") return { url: ${JSON.stringify(FS_WITH_GLOB)}, shortCircuit: true };
  return next(specifier, context);
}`;

register(`data:text/javascript,${encodeURIComponent(HOOKS)}`);
