/** Which file of envoy/ each mesh begins with, and where it has each value. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Document, parseDocument, type Scalar } from "yaml";
import type { Change } from "./change.ts";
import type { ConfigOptions, Mesh } from "./command.ts";
import { changeConsul } from "./consul.ts";
import { changed, comment, type Path, put, replace } from "./document.ts";
import { changeFilter } from "./envoy-filter.ts";

const CLOSED = "Closed, because of its policy or limits: without the module nothing passes.";

/** The path below envoy/ of the file that a mesh begins with. */
export function fileOf(mesh: Mesh, { role, environment, file }: ConfigOptions): string {
  switch (mesh) {
    case "istio":
      return role === "gateway" ? "istio/gateway.yaml" : `istio/sidecar-${role}.yaml`;
    case "kuma":
      return `kuma/${role}.${environment}.yaml`;
    case "consul":
      if (role === "outbound") return "consul/service-defaults-outbound.hcl";
      return isUrl(file) ? "consul/service-defaults-remote.hcl" : "consul/service-defaults.hcl";
    case "envoy-gateway":
      return file === undefined ? "gateway/extension-policy.yaml" : "gateway/extension-policy-http.yaml";
    case "envoy":
      return "envoy.yaml";
  }
}

/** The text of a mesh's file with changes. */
export function changedFile(mesh: Mesh, text: string, change: Change): string {
  if (mesh === "consul") return changeConsul(text, isUrl(change.file) ? withDigest(change) : change);
  return changed(text, (document) => DOCUMENTS[mesh](document, change));
}

const DOCUMENTS: Record<Exclude<Mesh, "consul">, (document: Document, change: Change) => void> = {
  istio: changeIstio,
  kuma: changeKuma,
  "envoy-gateway": changeGateway,
  envoy: changeEnvoy,
};

function changeIstio(
  document: Document,
  { image, file, sha256, namespace, selector, plugin, failsClosed }: Change,
): void {
  replace(document, ["spec", "url"], image === undefined ? file : `oci://${image}`);
  put(document, ["spec", "sha256"], sha256);
  put(document, ["metadata", "namespace"], namespace);
  put(document, ["spec", "selector", "matchLabels"], selector);
  changeFields(document, ["spec", "pluginConfig"], plugin);
  if (failsClosed) close(document, ["spec", "failStrategy"], "FAIL_CLOSE");
}

function changeKuma(document: Document, change: Change): void {
  replace(document, ["metadata", "namespace"], change.namespace);
  replace(document, ["spec", "targetRef", "labels"], change.selector);
  const modifications = ["spec", "default", "appendModifications"];
  const { items } = document.getIn(modifications) as { items: { has(name: string): boolean }[] };
  const index = items.findIndex((item) => item.has("httpFilter"));
  const value = document.getIn([...modifications, index, "httpFilter", "value"], true) as Scalar<string>;
  const filter = parseDocument(value.value);
  changeFilter(filter, [], change);
  value.value = filter.toString({ lineWidth: 0 });
}

function changeGateway(document: Document, change: Change): void {
  const { image, file, namespace, gateway, plugin, failsClosed } = change;
  put(document, ["metadata", "namespace"], namespace);
  replace(document, ["spec", "targetRefs", 0, "name"], gateway);
  const wasm = ["spec", "wasm", 0];
  const code = [...wasm, "code", file === undefined ? "image" : "http"];
  replace(document, [...code, "url"], image ?? file);
  put(document, [...code, "sha256"], (file === undefined ? change : withDigest(change)).sha256);
  changeFields(document, [...wasm, "config"], plugin);
  if (failsClosed) close(document, [...wasm, "failOpen"], false);
}

function changeEnvoy(document: Document, change: Change): void {
  const listener = ["static_resources", "listeners", 0];
  replace(document, [...listener, "address", "socket_address", "port_value"], change.port);
  const manager = [...listener, "filter_chains", 0, "filters", 0, "typed_config"];
  changeFilter(document, [...manager, "http_filters", 0], change);
  if (!change.failsClosed) return;
  // A caller must not choose its address, and messages within an upgrade cannot be decided.
  put(document, [...manager, "use_remote_address"], true);
  document.deleteIn([...manager, "upgrade_configs"]);
}

/** Replaces fields of a plugin configuration. */
function changeFields(document: Document, path: Path, plugin: Change["plugin"] = {}): void {
  for (const [name, value] of Object.entries(plugin)) put(document, [...path, name], value);
}

function close(document: Document, path: Path, value: unknown): void {
  replace(document, path, value);
  comment(document, path, CLOSED);
}

/** Whether a module is fetched, rather than read by the proxy. */
export function isUrl(file: string | undefined): boolean {
  return file !== undefined && /^https?:\/\//.test(file);
}

/** The change with the digest of this package's module, if it has none. */
function withDigest(change: Change): Change {
  const module = () => readFileSync(new URL("../../build/mcp.wasm", import.meta.url));
  return { ...change, sha256: change.sha256 ?? createHash("sha256").update(module()).digest("hex") };
}
