/** The types of Google Cloud's APIs, from their discovery documents in the Go module google.golang.org/api. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";

const MODULE = "google.golang.org/api";
/** A Go program that already needs the module. */
const PROGRAM = fileURLToPath(new URL("../fixtures/prometheus-config", import.meta.url));

/** A type of a discovery document, in a dialect of JSON Schema. */
interface ApiType {
  id?: string;
  $ref?: string;
  type?: string;
  description?: string;
  readOnly?: boolean;
  enum?: string[];
  items?: ApiType;
  properties?: Record<string, ApiType>;
  additionalProperties?: ApiType;
}

/** Returns the faults of a value. */
export type Check = (value: unknown) => string[];

/** The checks of values for a type of an API, for example `LogMetric` of `logging/v2/logging-api.json`. Rejects if Go cannot
 *  download the module. */
export async function checkOf(document: string, type: string): Promise<Check> {
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", MODULE], { cwd: PROGRAM });
  const { Dir } = JSON.parse(stdout) as { Dir: string };
  const { schemas } = JSON.parse(readFileSync(join(Dir, document), "utf8")) as { schemas: Record<string, ApiType> };
  const definitions = Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, schemaOf(one)]));
  const ajv = new Ajv({ allErrors: true });
  const check = ajv.compile({ $ref: `#/definitions/${type}`, definitions });
  return (value) => (check(value) ? [] : [ajv.errorsText(check.errors)]);
}

/** The JSON Schema of what a user may write for a type: no unknown fields and none that Google fills in. */
function schemaOf({ $ref, type, enum: values, items, properties, additionalProperties }: ApiType): object {
  if ($ref !== undefined) return { $ref: `#/definitions/${$ref}` };
  if (type === "any") return {};
  if (type !== "object") return { type, ...(values && { enum: values }), ...(items && { items: schemaOf(items) }) };
  const own = Object.entries(properties ?? {}).filter(([, one]) => !one.readOnly);
  return {
    type,
    properties: Object.fromEntries(own.map(([name, one]) => [name, schemaOf(one)])),
    required: own.filter(([, one]) => one.description?.startsWith("Required.")).map(([name]) => name),
    additionalProperties: additionalProperties ? schemaOf(additionalProperties) : false,
  };
}
