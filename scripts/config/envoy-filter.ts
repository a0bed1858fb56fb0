/** Changes a filter in the form of Envoy's API. */
import { type Document, Scalar } from "yaml";
import type { Change } from "./change.ts";
import { type Path, put, replace } from "./document.ts";

/** Changes the filter at a path of a document. */
export function changeFilter(document: Document, at: Path, { file, plugin }: Change): void {
  const config = [...at, "typed_config", "config"];
  replace(document, [...config, "vm_config", "code", "local", "filename"], file);
  if (plugin === undefined) return;

  const value = [...config, "configuration", "value"];
  const before = JSON.parse(document.getIn(value) as string) as object;
  const node = document.createNode(`${JSON.stringify({ ...before, ...plugin }, null, 2)}\n`) as Scalar;
  node.type = Scalar.BLOCK_LITERAL;
  document.setIn(value, node);
  // Envoy must call the filter for a body while the headers are held.
  if (holdsHeaders(plugin)) put(document, [...config, "allow_on_headers_stop_iteration"], true);
}

function holdsHeaders({ hold, access }: Readonly<Record<string, unknown>>): boolean {
  return (
    (hold as { headers?: unknown } | undefined)?.headers === true ||
    (access as { holdHeaders?: unknown } | undefined)?.holdHeaders === true
  );
}
