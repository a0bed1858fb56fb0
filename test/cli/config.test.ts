/** `config` prints the shipped files, and what its options make of them. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { validateFile } from "../../scripts/validate/file.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-config-"));
afterAll(() => rmSync(folder, { recursive: true }));
const POLICY = join(folder, "policy.json");
const RULES = [{ name: "all", action: "ALLOW" }];
writeFileSync(
  POLICY,
  JSON.stringify({ match: { paths: ["/mcp"] }, hold: { headers: true }, access: { rules: RULES } }),
);
const DIGEST = createHash("sha256").update(readFileSync("build/mcp.wasm")).digest("hex");

async function configOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(["config", ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

describe("without options that change a value, config prints", () => {
  it.each([
    ["istio", "istio/sidecar-inbound.yaml"],
    ["istio --role outbound", "istio/sidecar-outbound.yaml"],
    ["istio --role gateway", "istio/gateway.yaml"],
    ["kuma", "kuma/inbound.kubernetes.yaml"],
    ["kuma --role outbound --environment universal", "kuma/outbound.universal.yaml"],
    ["consul", "consul/service-defaults.hcl"],
    ["consul --role outbound", "consul/service-defaults-outbound.hcl"],
    ["envoy-gateway", "gateway/extension-policy.yaml"],
    ["envoy", "envoy.yaml"],
  ])("for `%s` the file %s", async (args, path) => {
    expect(await configOf(...args.split(" "))).toBe(readFileSync(`envoy/${path}`, "utf8"));
  });
});

describe("with options, config prints a manifest that validate accepts", () => {
  it.each([
    [
      "istio --image r.example/m:1 --namespace a --selector app=b --selector c=1",
      ["url: oci://r.example/m:1", 'c: "1"'],
    ],
    [`istio --role gateway --file http://m.example/a.wasm --sha256 ${"1".repeat(64)}`, [`sha256: "${"1".repeat(64)}"`]],
    [`istio --config ${POLICY}`, ["failStrategy: FAIL_CLOSE", "name: all", "role: server"]],
    ["kuma --file /a.wasm --namespace kong-mesh-system --selector app=b", ["filename: /a.wasm", "app: b"]],
    [`kuma --environment universal --config ${POLICY}`, ["allow_on_headers_stop_iteration: true", '"name": "all"']],
    ["consul --role outbound --service a --file /a.wasm", ['Name = "a"', 'Filename = "/a.wasm"']],
    [`consul --file https://m.example/a.wasm --config ${POLICY}`, [`SHA256 = "${DIGEST}"`, "Required = true"]],
    ["envoy-gateway --image r.example/m:1 --gateway a", ["url: r.example/m:1", "name: a"]],
    [`envoy-gateway --file http://m.example/a.wasm --config ${POLICY}`, [`sha256: "${DIGEST}"`, "failOpen: false"]],
    [`envoy --port 8080 --file /a.wasm --config ${POLICY}`, ["port_value: 8080", "use_remote_address: true"]],
  ])("%s", async (args, parts) => {
    const text = await configOf(...args.split(" "));
    for (const part of parts) expect(text).toContain(part);
    const name = args.startsWith("consul") ? "a.hcl" : "a.yaml";
    expect(validateFile(name, Buffer.from(text))).toEqual({ configurations: 1, problems: [] });
  });

  it("which keeps the comments of the file", async () => {
    const text = await configOf("istio", "--namespace", "a");
    const shipped = readFileSync("envoy/istio/sidecar-inbound.yaml", "utf8");
    expect(text.replace("  namespace: a\n", "")).toBe(shipped);
    expect(parse(text)).toMatchObject({ metadata: { namespace: "a" } });
  });
});

describe("config refuses", () => {
  it("a plugin configuration with errors, which it prints", async () => {
    const file = join(folder, "wrong.json");
    writeFileSync(file, '{ "role": "servr" }');
    const { code, stdout, stderr } = await runCli(["config", "istio", "--config", file]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`${file}:1:11: error: role: expected client or server`);
  });

  it.each([
    ["consul --role outbound --file http://a/b", "must be a path"],
    ["consul --sha256 " + "0".repeat(64), "--sha256 needs"],
    ["kuma --environment universal --namespace a", "leave --namespace out"],
    ["istio --sha256 0", "64 hexadecimal digits"],
    ["istio --selector app", "app=shop"],
    ["istio --namespace Team_A", "lower-case letters, digits and hyphens"],
    ["istio --image a$b", "registry.example.com/name:tag"],
    ["istio --image a --file http://a/b", "cannot be used with"],
    ["istio --role waypoint", "Allowed choices are"],
    ["istio --config missing.json", "missing.json cannot be read (ENOENT)"],
    ["linkerd", "unknown command"],
  ])("%s", async (args, message) => {
    const { code, stdout, stderr } = await runCli(["config", ...args.split(" ")]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
