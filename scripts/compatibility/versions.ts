/** The versions of everything that the tests run the filter with, read from the files that the tests use. */
import { readFileSync } from "node:fs";
import { NEWEST, OLDEST } from "../envoy/version.ts";

/** A row of the table in docs/compatibility.md. */
export interface Tested {
  what: string;
  version: string;
  /** The kind of test. */
  how: string;
  /** The folder or file of the tests. */
  where: string;
}

const FILES: Record<string, string> = {};

/** The text that `pattern` captures in a file. Throws if the file does not have it. */
function found(path: string, pattern: RegExp): string {
  FILES[path] ??= readFileSync(path, "utf8");
  const match = pattern.exec(FILES[path]);
  if (match === null) throw new Error(`${path} does not contain ${pattern.source}`);
  return match[1];
}

const npm = (name: string, path = "package.json") => found(path, new RegExp(`"${name}": "([^"]+)"`));
const go = (program: string, module: string) =>
  found(`test/fixtures/${program}/go.mod`, new RegExp(`(?:require |\\t)${module} v(\\S+)`));
const sdks = (era: string) => found("test/envoy/sdks.test.ts", new RegExp(`const ${era} = "([^"]+)"`));
const python = (pattern: RegExp) => found("test/fixtures/python.ts", pattern);

const DECODED =
  "its Go types decode our files strictly; Envoy runs the filters that its control plane would generate from our files";
const SDK = "as clients and servers, through Envoy and directly";
const SCHEMA = "a schema of its fields checks our files";
const PULLS = "its code pulls the image of the module";

/** All rows in the order of the page. */
export function testedVersions(): Tested[] {
  const releases = found("test/mesh/istio.ts", /type Release = (.*);/)
    .replaceAll('"', "")
    .replaceAll(" | ", ", ");
  const revisions = found("assembly/mcp/protocol/revisions.ts", /REVISIONS: string\[\] = \["_OTHER", (.*)\];/);
  return [
    { what: "Envoy", version: NEWEST, how: "all end-to-end tests run with it", where: "test/envoy" },
    { what: "Envoy", version: OLDEST, how: "the central end-to-end tests run with it", where: "test/envoy-oldest" },
    { what: "Istio, API", version: go("mesh-types", "istio.io/api"), how: DECODED, where: "test/mesh" },
    {
      what: "Istio, control plane",
      version: releases,
      how: "Envoy runs filters and listeners that this control plane generated",
      where: "test/mesh",
    },
    { what: "Istio, agent", version: go("image-check", "istio.io/istio"), how: PULLS, where: "test/image" },
    {
      what: "Envoy Gateway",
      version: go("mesh-types", "github.com/envoyproxy/gateway"),
      how: DECODED,
      where: "test/mesh",
    },
    {
      what: "Envoy Gateway",
      version: go("image-check", "github.com/envoyproxy/gateway"),
      how: PULLS,
      where: "test/image",
    },
    {
      what: "Gateway API",
      version: go("mesh-types", "sigs.k8s.io/gateway-api"),
      how: "its types decode our files strictly",
      where: "test/mesh",
    },
    {
      what: "Consul, API",
      version: go("mesh-types", "github.com/hashicorp/consul/api"),
      how: DECODED,
      where: "test/mesh",
    },
    {
      what: "Kuma, Kong Mesh",
      version: "–",
      how: "a schema of its documented fields checks our files; Envoy runs the filters that Kuma would generate from our files",
      where: "test/mesh",
    },
    {
      what: "NGINX",
      version: found("envoy/sidecar/README.md", /NGINX (\d[\d.]*\d)/),
      how: "with our files: it passes requests to Envoy, and runs the file for ngx_wasm_module without that module's directives",
      where: "test/mesh",
    },
    {
      what: "Kong Gateway",
      version: found("envoy/sidecar/README.md", /version (\d[\d.]*\d)/),
      how: SCHEMA,
      where: "test/mesh/sidecar",
    },
    {
      what: "Linkerd",
      version: found("envoy/linkerd/README.md", /\(edge-(\d[\d.]*\d)\)/),
      how: SCHEMA,
      where: "test/mesh/linkerd.test.ts",
    },
    {
      what: "Emissary-ingress",
      version: found("envoy/emissary/README.md", /Emissary (\d[\d.]*\d)/),
      how: `${SCHEMA}; Envoy runs the filters that Emissary would generate from them`,
      where: "test/mesh/emissary.test.ts",
    },
    {
      what: "MCP",
      version: revisions.replaceAll('"', ""),
      how: "messages of each revision pass through Envoy",
      where: "test/envoy",
    },
    {
      what: "MCP",
      version: `${sdks("LEGACY")}, ${sdks("MODERN")}`,
      how: "clients and servers of several SDKs negotiate it; the filter's metrics agree with an independent record of all messages",
      where: "test/envoy",
    },
    {
      what: "MCP conformance suite",
      version: npm("@modelcontextprotocol/conformance"),
      how: "its results are the same with and without the filter",
      where: "test/conformance",
    },
    {
      what: "TypeScript `@modelcontextprotocol/sdk`",
      version: npm("@modelcontextprotocol/sdk"),
      how: SDK,
      where: "test/envoy",
    },
    {
      what: "TypeScript `@modelcontextprotocol/client`",
      version: npm("@modelcontextprotocol/client"),
      how: SDK,
      where: "test/envoy",
    },
    {
      what: "TypeScript `@modelcontextprotocol/server`",
      version: npm("@modelcontextprotocol/server"),
      how: SDK,
      where: "test/envoy",
    },
    { what: "Python `mcp`", version: python(/mcp1: \["mcp==([^"]+)"/), how: SDK, where: "test/envoy" },
    { what: "Python `mcp`", version: python(/mcp2: \["mcp==([^"]+)"/), how: SDK, where: "test/envoy" },
    {
      what: "Python `fastmcp`",
      version: python(/fastmcp-slim\[client,mcp\]==([^"]+)"/),
      how: SDK,
      where: "test/envoy",
    },
    {
      what: "Go `go-sdk`",
      version: go("go-sdk", "github.com/modelcontextprotocol/go-sdk"),
      how: SDK,
      where: "test/envoy",
    },
    { what: "Go `mcp-go`", version: go("mcp-go", "github.com/mark3labs/mcp-go"), how: SDK, where: "test/envoy" },
    {
      what: "Rust `rmcp`",
      version: found("test/fixtures/rmcp/Cargo.toml", /rmcp = \{ version = "=([^"]+)"/),
      how: SDK,
      where: "test/envoy",
    },
    {
      what: "Java `io.modelcontextprotocol.sdk`",
      version: found("test/fixtures/java-sdk/pom.xml", /<artifactId>mcp<\/artifactId>\s*<version>([^<]+)</),
      how: SDK,
      where: "test/envoy",
    },
    {
      what: "MCP Inspector",
      version: npm("@modelcontextprotocol/inspector", "test/fixtures/inspector/package.json"),
      how: "its command line, as a client",
      where: "test/envoy",
    },
    ...["mcp-proxy", "mcp-remote", "supergateway"].map((name) => ({
      what: `\`${name}\``,
      version: npm(name, `test/fixtures/bridges/${name}/package.json`),
      how: "as a bridge for a client or a server behind Envoy",
      where: "test/envoy",
    })),
  ];
}
