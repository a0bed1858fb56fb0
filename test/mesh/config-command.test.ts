/** For each mesh: what `config` prints, with options, is accepted by `validate` and by the mesh's own types. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { hasComponent } from "../components.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";
import { faultsOf } from "./checks.ts";

const BUILD_MS = 600_000;
const folder = mkdtempSync(join(tmpdir(), "mcp-config-"));
afterAll(() => rmSync(folder, { recursive: true }));
const CONFIG = join(folder, "plugin.json");
writeFileSync(
  CONFIG,
  JSON.stringify({
    match: { paths: ["/mcp"] },
    access: { rules: [{ name: "all", action: "ALLOW" }] },
    limits: { rules: [{ name: "calls", key: ["principal"], requests: { amount: 60, per: "1m" } }] },
  }),
);

const cli = (...args: string[]) =>
  promisify(execFile)(process.execPath, ["--import", "tsx", "scripts/cli.ts", ...args]);

describe.runIf(hasComponent("go", INSTALL_GO))("its own types accept the manifest for", () => {
  beforeAll(() => buildGoProgram("mesh-types"), BUILD_MS);

  it.each([
    ["istio/a.yaml", "istio --image r.example/m:1 --namespace a --selector app=b"],
    ["istio/a.yaml", `istio --role gateway --file https://m.example/a.wasm --sha256 ${"1".repeat(64)}`],
    ["kuma/a.yaml", "kuma --file /a.wasm --namespace a --selector app=b"],
    ["kuma/a.yaml", "kuma --environment universal --role outbound --selector app=b"],
    ["consul/a.hcl", "consul --service a --file /a.wasm"],
    ["consul/a.hcl", "consul --file https://m.example/a.wasm"],
    ["gateway/a.yaml", "envoy-gateway --image r.example/m:1 --gateway a --namespace b"],
    ["gateway/a.yaml", "envoy-gateway --file https://m.example/a.wasm"],
    ["raw/a.yaml", "envoy --port 8080 --file /a.wasm"],
  ])("%s: %s, without and with a policy", async (path, args) => {
    for (const more of [[], ["--config", CONFIG]]) {
      const { stdout } = await cli("config", ...args.split(" "), ...more);
      const file = join(folder, path.replace("/", "-"));
      writeFileSync(file, stdout);
      expect((await cli("validate", file)).stdout).toContain(": 1 plugin configuration, 0 errors,");
      const document: unknown = path.endsWith(".hcl") ? stdout : parse(stdout);
      expect(await faultsOf([{ path, document }])).toEqual([[]]);
    }
  });
});
