/** Finds the plugin configurations in documents of meshes and of Envoy, by the structure of each kind of document. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from "yaml";
import { absentConfiguration, type Configuration, nodeConfiguration, textConfiguration } from "./configuration.ts";
import type { Problem } from "./problem.ts";
import { nestedText, type Style, type Text } from "./text.ts";
import { documentsIn, faultsOf } from "./yaml.ts";

/** The configurations found, and what prevents that further ones are found. */
export interface Found {
  readonly configurations: Configuration[];
  readonly faults: Problem[];
}

/** The place where the search is. */
interface Context {
  readonly document: Document;
  readonly text: Text;
  readonly found: Found;
}

/** A part of the type of Envoy's filter, also in text that is not parsed yet. */
const FILTER = "envoy.extensions.filters.http.wasm.v3.Wasm";

/** Adds the configurations in a document to those found. */
export function findIn(document: Document, text: Text, found: Found, path = ""): void {
  visit(document.contents, path, { document, text, found });
}

/** Aliases are not followed, because what they stand for is found at its own place. */
function visit(node: unknown, path: string, context: Context): void {
  if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) visit(item, `${path}[${index}]`, context);
  } else if (isScalar(node)) {
    if (typeof node.value === "string" && node.value.includes(FILTER)) visitText(node, path, context);
  } else if (isMap(node) && !addPlugins(node, path, context)) {
    for (const { key, value } of node.items) visit(value, memberPath(path, key), context);
  }
}

/** A string with a filter in it: YAML in a MeshProxyPatch or a ConfigMap. */
function visitText(node: Scalar, path: string, { text, found }: Context): void {
  const isTypeAlone = /^[\w./]+$/.test(node.value as string);
  if (isTypeAlone) return;
  const inner = textOf(node, text);
  const documents = documentsIn(inner);
  found.faults.push(...faultsOf(documents, inner, path));
  for (const document of documents) findIn(document, inner, found, path);
}

/** Adds the configurations of the plugins that a map describes. False if it describes none. */
function addPlugins(map: YAMLMap, path: string, context: Context): boolean {
  const kind = map.get("kind");
  if (kind === "WasmPlugin") return addMember(map, ["spec", "pluginConfig"], path, context);
  if (kind === "TrafficExtension" && isMap(map.getIn(["spec", "wasm"]))) {
    return addMember(map, ["spec", "wasm", "pluginConfig"], path, context);
  }
  if (kind === "EnvoyExtensionPolicy" && isSeq(map.getIn(["spec", "wasm"]))) {
    const { items } = map.getIn(["spec", "wasm"]) as { items: unknown[] };
    for (const index of items.keys()) addMember(map, ["spec", "wasm", index, "config"], path, context);
    return true;
  }
  if (map.get("Name") === "builtin/wasm") {
    return addMember(map, ["Arguments", "PluginConfig", "Configuration"], path, context);
  }
  const type = map.get("@type");
  if (typeof type === "string" && type.endsWith(FILTER)) {
    return addMessage(map, ["config", "configuration"], path, context);
  }
  // xds.type.v3.TypedStruct: the message is in `value`.
  const innerType = map.get("type_url");
  if (typeof innerType === "string" && innerType.endsWith(FILTER)) {
    return addMessage(map, ["value", "config", "configuration"], path, context);
  }
  return false;
}

/** Adds a configuration of Envoy's API: a message of the type StringValue, BytesValue or Struct. */
function addMessage(map: YAMLMap, keys: string[], path: string, context: Context): true {
  const message = map.getIn(keys);
  if (!isMap(message)) return addMember(map, keys, path, context);
  const type = message.get("@type");
  if (typeof type === "string" && type.endsWith("google.protobuf.BytesValue")) {
    const node = message.get("value", true);
    const start = context.text.fileOffset((isScalar(node) ? node : message).range?.[0] ?? 0);
    const value = isScalar(node) && typeof node.value === "string" ? node.value : "";
    const bytes = Buffer.from(value, "base64");
    const configuration = { path: pathTo(path, [...keys, "value"]), bytes, fileOffset: () => start, places: [] };
    context.found.configurations.push(configuration);
    return true;
  }
  return addMember(map, [...keys, "value"], path, context);
}

/** Adds the configuration at `keys` of a map: a string or a value. Without it, the plugin receives nothing. */
function addMember(map: YAMLMap, keys: (string | number)[], path: string, context: Context): true {
  const { document, text, found } = context;
  const alias = map.getIn(keys, true);
  const node = isAlias(alias) ? alias.resolve(document) : alias;
  const at = pathTo(path, keys);
  if (isScalar(node) && typeof node.value === "string") {
    found.configurations.push(textConfiguration(at, textOf(node, text)));
  } else if (node === undefined || (isScalar(node) && node.value === null)) {
    found.configurations.push(absentConfiguration(at, text.fileOffset(map.range?.[0] ?? 0)));
  } else {
    found.configurations.push(nodeConfiguration(at, node as Node, document, text));
  }
  return true;
}

/** The value of a string as text with its place in the file. */
function textOf(node: Scalar, parent: Text): Text {
  const [start, end] = node.range ?? [0, 0];
  const value = node.value as string;
  if (node.type === "QUOTE_DOUBLE") return nestedText(parent, value, "double-quoted", start + 1, end - 1);
  if (node.type === "QUOTE_SINGLE") return nestedText(parent, value, "single-quoted", start + 1, end - 1);
  const isBlock = node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED";
  // The first line of a block is its header.
  const style: Style = "unquoted";
  return nestedText(parent, value, style, isBlock ? parent.text.indexOf("\n", start) + 1 : start, end);
}

function memberPath(path: string, key: unknown): string {
  const name = isScalar(key) ? String(key.value) : "?";
  return path === "" ? name : `${path}.${name}`;
}

function pathTo(path: string, keys: readonly (string | number)[]): string {
  return keys.reduce<string>((at, key) => {
    if (typeof key === "number") return `${at}[${key}]`;
    return at === "" ? key : `${at}.${key}`;
  }, path);
}
