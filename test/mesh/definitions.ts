/** The definitions (CRDs) of Istio's, Envoy Gateway's and the Gateway API's resources, as shipped by their projects. */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../fixtures/mesh-types", import.meta.url));
/** The paths of definitions in the Go modules that also contain the types: files, or folders of files. */
const SOURCES = {
  "istio.io/api": ["kubernetes/customresourcedefinitions.gen.yaml"],
  "github.com/envoyproxy/gateway": [
    "charts/gateway-helm/charts/crds/crds/generated",
    "charts/gateway-helm/charts/crds/crds/gatewayapi-crds.yaml",
  ],
};

let files: Promise<string[]> | undefined;

/** The paths of the files with the definitions. Rejects if Go cannot download the modules. */
export function definitionFiles(): Promise<string[]> {
  return (files ??= find());
}

async function find(): Promise<string[]> {
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", ...Object.keys(SOURCES)], {
    cwd: PROGRAM,
  });
  const modules = JSON.parse(`[${stdout.trim().replaceAll("}\n{", "},{")}]`) as {
    Path: keyof typeof SOURCES;
    Dir: string;
  }[];
  const sources = modules.flatMap(({ Path, Dir }) => SOURCES[Path].map((source) => join(Dir, source)));
  return sources.flatMap((source) => {
    return source.endsWith(".yaml") ? [source] : readdirSync(source).map((name) => join(source, name));
  });
}
