/** The files of envoy/sidecar/ that no test starts. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { hasComponent } from "../../components.ts";
import { readShipped } from "../shipped.ts";

describe.runIf(hasComponent("systemd-analyze", "apt-get install --no-install-recommends systemd"))(
  "mcp-envoy.service",
  () => {
    /** What systemd says of a unit, without the name of its file. */
    async function complaints(change: (unit: string) => string): Promise<string> {
      const folder = mkdtempSync(join(tmpdir(), "mcp-unit-"));
      const file = join(folder, "mcp-envoy.service");
      writeFileSync(file, change(readShipped("sidecar/mcp-envoy.service").replace("/usr/bin/envoy", process.execPath)));
      const { stderr } = await promisify(execFile)("systemd-analyze", ["verify", file]);
      rmSync(folder, { recursive: true, force: true });
      return stderr.replaceAll(file, "");
    }

    it("systemd has no complaint, and would have one about a wrong key", async () => {
      expect(await complaints((unit) => unit)).toBe("");
      expect(await complaints((unit) => unit.replace("PrivateTmp", "PrivateTemp"))).toContain(
        "Unknown key 'PrivateTemp'",
      );
    });

    it("allows the system calls without which V8 does not start", () => {
      const allowed = /^SystemCallFilter=([^~].*)$/m.exec(readShipped("sidecar/mcp-envoy.service"))![1].split(" ");
      expect(allowed).toEqual(expect.arrayContaining(["@system-service", "@pkey", "mincore"]));
    });
  },
);

it("kong.yaml: the README's command gives its last consumer a key", () => {
  const folder = mkdtempSync(join(tmpdir(), "mcp-kong-"));
  const file = join(folder, "kong.yaml");
  writeFileSync(file, readShipped("sidecar/kong.yaml"));
  const command = /^printf .*$/m.exec(readShipped("sidecar/README.md"))![0];
  execFileSync("/bin/sh", ["-ec", command], { cwd: folder });
  const { consumers } = parse(readFileSync(file, "utf8")) as {
    consumers: { username: string; keyauth_credentials: { key: string }[] }[];
  };
  rmSync(folder, { recursive: true, force: true });
  expect(consumers.map(({ username }) => username)).toEqual(["alice"]);
  expect(consumers[0].keyauth_credentials).toEqual([{ key: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
});
