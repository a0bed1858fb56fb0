/** The definitions (CRDs) with which Istio and Envoy Gateway tell the Kubernetes API server what their resources are: they
 *  state what Go's types cannot, like required fields, enumerations and patterns. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { Ajv, type ValidateFunction } from "ajv";
import { parseAllDocuments } from "yaml";

const PROGRAM = fileURLToPath(new URL("../fixtures/mesh-types", import.meta.url));
/** Where the definitions lie in the modules that bring the types too: a file, or a folder of files. */
const SOURCES = {
  "istio.io/api": "kubernetes/customresourcedefinitions.gen.yaml",
  "github.com/envoyproxy/gateway": "charts/gateway-helm/charts/crds/crds/generated",
};

interface Definition {
  spec: { group: string; names: { kind: string }; versions: { name: string; schema: { openAPIV3Schema: Schema } }[] };
}

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
}

interface Resource {
  apiVersion: string;
  kind: string;
}

/** Reads the definitions; the function that it gives says what is wrong with a resource, undefined where nothing is. Their
 *  rules in CEL are not evaluated. Rejects where Go cannot bring the modules. */
export async function readDefinitions(): Promise<(resource: Resource) => string | undefined> {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const checks = new Map<string, ValidateFunction>();
  for (const { spec } of await definitions()) {
    for (const version of spec.versions) {
      const { properties = {}, ...rest } = version.schema.openAPIV3Schema;
      // The top level belongs to Kubernetes.
      const schema = closed({ ...rest, properties: { ...properties, apiVersion: {}, kind: {}, metadata: {} } });
      checks.set(`${spec.group}/${version.name} ${spec.names.kind}`, ajv.compile(schema));
    }
  }
  return (resource) => {
    const check = checks.get(`${resource.apiVersion} ${resource.kind}`);
    if (check === undefined) return "no definition";
    return check(resource) ? undefined : ajv.errorsText(check.errors);
  };
}

async function definitions(): Promise<Definition[]> {
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", ...Object.keys(SOURCES)], {
    cwd: PROGRAM,
  });
  const modules = JSON.parse(`[${stdout.trim().replaceAll("}\n{", "},{")}]`) as {
    Path: keyof typeof SOURCES;
    Dir: string;
  }[];
  return modules.flatMap(({ Path, Dir }) => {
    const source = join(Dir, SOURCES[Path]);
    const files = source.endsWith(".yaml") ? [source] : readdirSync(source).map((name) => join(source, name));
    return files.flatMap((file) =>
      parseAllDocuments(readFileSync(file, "utf8")).map((one) => one.toJS() as Definition),
    );
  });
}

/** The schema with all fields that it does not name forbidden, which the API server drops (or refuses, where asked). */
function closed(schema: Schema): Schema {
  const { properties, items, additionalProperties } = schema;
  const copy = { ...schema };
  if (items !== undefined) copy.items = closed(items);
  if (typeof additionalProperties === "object") copy.additionalProperties = closed(additionalProperties);
  if (properties !== undefined) {
    copy.properties = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, closed(value)]));
    if (!schema["x-kubernetes-preserve-unknown-fields"]) copy.additionalProperties ??= false;
  }
  return copy;
}
