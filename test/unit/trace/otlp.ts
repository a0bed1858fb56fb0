/** OTLP requests and responses, read and written with the official definitions of opentelemetry-proto. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

import protobuf from "protobufjs";

const ROOT = fileURLToPath(new URL("../../fixtures/opentelemetry", import.meta.url));
const SERVICE = "opentelemetry.proto.collector.trace.v1";

const definitions = new protobuf.Root();
// They import each other by paths from the root of their repository.
definitions.resolvePath = (_origin, path) => join(ROOT, path.replace(/^opentelemetry\//, ""));
definitions.loadSync("opentelemetry/proto/collector/trace/v1/trace_service.proto");

const Request = definitions.lookupType(`${SERVICE}.ExportTraceServiceRequest`);
const Response = definitions.lookupType(`${SERVICE}.ExportTraceServiceResponse`);

const IDS = new Set(["traceId", "spanId", "parentSpanId"]);

/** A request in the protobuf encoding as one in the JSON encoding. Throws where it is none. */
export function fromProtobuf(bytes: Uint8Array): unknown {
  const message = Request.decode(bytes);
  const tree = Request.toObject(message, { longs: String, bytes: String, arrays: false });
  return mapped(tree, (key, value) => (IDS.has(key) ? Buffer.from(value as string, "base64").toString("hex") : value));
}

/** A request in the JSON encoding. Throws where its texts are no UTF-8, or it has what the definitions do not know. */
export function fromJson(bytes: Uint8Array): unknown {
  const tree = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as object;
  const encoded = mapped(tree, (key, value) =>
    IDS.has(key) ? Buffer.from(value as string, "hex").toString("base64") : value,
  ) as Record<string, unknown>;
  const problem = Request.verify(Request.fromObject(encoded));
  if (problem !== null) throw new Error(problem);
  // What the definitions do not know, or have of another type, does not come back as it was.
  const known = fromProtobuf(Request.encode(Request.fromObject(encoded)).finish());
  if (!isDeepStrictEqual(withoutEmpty(tree), withoutEmpty(known))) {
    throw new Error(`${JSON.stringify(tree)} is read as ${JSON.stringify(known)}`);
  }
  return known;
}

/** A response of the collector. */
export function response(rejectedSpans: number, errorMessage = ""): Buffer {
  const partialSuccess = { rejectedSpans, errorMessage };
  return Buffer.from(Response.encode(Response.fromObject({ partialSuccess })).finish());
}

function mapped(value: unknown, map: (key: string, value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => mapped(each, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, map(key, mapped(each, map))]));
}

/** Without arrays that are empty, which are the same as none. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => !(Array.isArray(each) && each.length === 0));
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutEmpty(each)]));
}
