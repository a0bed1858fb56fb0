/** The faults in a mesh's file, as its own control plane, Envoy and our filter would find them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse, parseAllDocuments } from "yaml";
import { decodeAll, type Request } from "./mesh-types.ts";
import { embeddedIn } from "./misspell.ts";

const ENVOY = fileURLToPath(new URL("../../envoy", import.meta.url));
const MESHES = ["istio", "kuma", "consul", "gateway", "raw", "sidecar", "linkerd", "emissary"];

/** A document of a file below envoy/: parsed YAML, or the text of HCL. */
export interface MeshDocument {
  path: string;
  document: unknown;
}

/** Every document of every mesh's files. */
export function readMeshDocuments(): MeshDocument[] {
  const paths = MESHES.flatMap((mesh) => readdirSync(join(ENVOY, mesh)).map((name) => `${mesh}/${name}`));
  return paths
    .filter((path) => /\.(yaml|hcl)$/.test(path))
    .flatMap((path) => {
      const text = readFileSync(join(ENVOY, path), "utf8");
      if (path.endsWith(".hcl")) return [{ path, document: text }];
      return parseAllDocuments(text).map((one) => ({ path, document: one.toJS() as unknown }));
    });
}

/** The faults of each document, empty for a valid one. Rejects if Go is missing or fails. */
export async function faultsOf(documents: readonly MeshDocument[]): Promise<string[][]> {
  const asked = documents.map(requestsOf);
  const answers = (await decodeAll(asked.flat())).values();
  return documents.map((one, index) => {
    const faults = asked[index].flatMap(() => {
      const { error, value } = answers.next().value!;
      return error === undefined ? pluginFaults(value) : [error];
    });
    const schema = schemaOf(one);
    if (schema !== undefined) faults.push(...schemaFaults(schema, one.document));
    if (!selectsPod(one)) faults.push("the Service selects no pod of its file");
    return faults;
  });
}

/** The requests to the Go types for a document. */
function requestsOf(one: MeshDocument): Request[] {
  if (isOf(one, "consul")) return [{ type: "consul", text: one.document as string }];
  // Kuma's resources also contain texts in other formats.
  if (schemaOf(one) !== undefined && !isOf(one, "kuma")) return [];
  const text = JSON.stringify(one.document);
  if (one.path === "sidecar/compose.yaml") return [{ type: "compose", text }];
  if (isHelm(one)) return [{ type: "helm", text }];
  if (isOf(one, "kuma") && isPatch(one)) return [{ type: "patch", kind: "Deployment", text }];
  if (isPatch(one)) return [{ type: "kubernetes", text: JSON.stringify(patchedGateway(one.document as object)) }];
  if (isOf(one, "raw") || isBootstrap(one)) {
    return [{ type: "envoy", kind: isResource(one) ? "DiscoveryResponse" : "Bootstrap", text }];
  }
  return isOf(one, "kuma") ? kumaRequests(one.document) : [{ type: "kubernetes", text }];
}

/** Kuma's resources contain texts in the formats of Envoy's API and of Kubernetes'. */
function kumaRequests(document: unknown): Request[] {
  const { spec } = document as {
    spec?: {
      default?: { appendModifications?: { httpFilter?: Text; networkFilter?: Text }[] };
      sidecarPatch?: { value?: string }[];
    };
  };
  const filters = (spec?.default?.appendModifications ?? []).map(({ httpFilter, networkFilter }): Request => {
    const kind = networkFilter === undefined ? "HttpFilter" : "NetworkFilter";
    return { type: "envoy", kind, text: (networkFilter ?? httpFilter)?.value ?? "" };
  });
  const mounts = (spec?.sidecarPatch ?? []).map(({ value }) => value ?? "");
  return [...filters, ...mounts.map((text): Request => ({ type: "patch", kind: "VolumeMount", text }))];
}

interface Text {
  value?: string;
}

/** The quickstart's Gateway `eg`, merged with a patch of other fields. */
function patchedGateway(patch: { spec?: object }): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "eg" },
    ...patch,
    spec: { gatewayClassName: "eg", listeners: [{ name: "http", protocol: "HTTP", port: 80 }], ...patch.spec },
  };
}

const isOf = ({ path }: MeshDocument, mesh: string) => path.startsWith(`${mesh}/`);
/** Whether Envoy discovers the document, rather than reads it as a whole bootstrap. */
const isResource = ({ path }: MeshDocument) => path.startsWith("raw/extension");
/** Whether the document is the configuration of an Envoy beside the server. */
const isBootstrap = ({ path }: MeshDocument) => path.endsWith("/envoy.yaml");
const isHelm = ({ path }: MeshDocument) => path === "istio/mesh-config.yaml";
/** Whether the document is a patch for `kubectl patch`, rather than a resource. */
const isPatch = ({ path }: MeshDocument) =>
  ["deployment", "gateway", "waypoint"].some((name) => path.endsWith(`/${name}-patch.yaml`));

const ajv = new Ajv2020({ strict: false });
/** The documented fields of resources whose definitions are in no module that a package registry serves. */
const KUMA = compile(new URL("kuma.schema.json", import.meta.url));
/** Likewise, by path. */
const SCHEMAS: Partial<Record<string, ReturnType<typeof compile>>> = {
  "sidecar/kong.yaml": compile(new URL("kong.schema.json", import.meta.url)),
  "linkerd/policy.yaml": compile(new URL("linkerd.schema.json", import.meta.url)),
  "emissary/mapping.yaml": compile(new URL("emissary.schema.json", import.meta.url)),
};
const PLUGIN = compile(new URL("../../envoy/plugin-config.schema.json", import.meta.url));

interface Workload {
  kind?: string;
  spec?: { selector?: Record<string, string>; template?: { metadata: { labels: Record<string, string> } } };
}

/** Whether a document is no Service, or a Service for the pods of the Deployment in the same file. */
function selectsPod({ path, document }: MeshDocument): boolean {
  const { kind, spec } = document as Workload;
  if (kind !== "Service") return true;
  const text = readFileSync(join(ENVOY, path), "utf8");
  const workloads = parseAllDocuments(text).map((one) => one.toJS() as Workload);
  const labels = workloads.find((one) => one.kind === "Deployment")?.spec?.template?.metadata.labels ?? {};
  return Object.entries(spec?.selector ?? {}).every(([name, value]) => labels[name] === value);
}

/** The schema of a document of such a resource; undefined for other documents. */
function schemaOf(one: MeshDocument): ReturnType<typeof compile> | undefined {
  if (isOf(one, "kuma")) return isPatch(one) ? undefined : KUMA;
  return SCHEMAS[one.path];
}

function compile(schema: URL) {
  return ajv.compile(JSON.parse(readFileSync(schema, "utf8")) as object);
}

function schemaFaults(check: ReturnType<typeof compile>, value: unknown): string[] {
  return check(value) ? [] : [ajv.errorsText(check.errors)];
}

function pluginFaults(value: unknown): string[] {
  return pluginConfigsIn(value).flatMap((config) => schemaFaults(PLUGIN, config));
}

/** The configurations of our filter in a decoded document, in any form: as objects, or as text. */
export function pluginConfigsIn(node: unknown): unknown[] {
  if (typeof node === "string") return pluginConfigsIn(embeddedIn(node));
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) => {
    if (key === "pluginConfig") return [value];
    if (key === "Configuration") return [parse(value as string) as unknown];
    if (key === "configuration") return [parse((value as { value: string }).value) as unknown];
    if (key === "wasm" && Array.isArray(value)) return value.map(({ config }: { config: unknown }) => config);
    return pluginConfigsIn(value);
  });
}
