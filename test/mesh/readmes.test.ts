/** The README of each folder names its files, and the commands in that of raw Envoy work. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findEnvoy } from "../../scripts/envoy/binary.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type Command, startCommand } from "../envoy/commands.ts";
import { connectClient } from "../../scripts/demo/client.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";

const POLL = { timeout: 30_000, interval: 250 };
const FILE = /[\w.-]+\.(?:yaml|hcl|conf|service)/g;

/** Named files of other folders, and those that a reader makes. */
const OTHERS: Record<string, string[]> = { raw: ["envoy.yaml"], sidecar: ["callers.conf", "jwt.yaml"] };

function readmeOf(mesh: string): string {
  return readFileSync(`envoy/${mesh}/README.md`, "utf8");
}

it.each(["istio", "kuma", "consul", "gateway", "raw", "sidecar", "nginx", "linkerd", "emissary"])(
  "envoy/%s: every file is named, and no other",
  (mesh) => {
    const files = readdirSync(`envoy/${mesh}`).filter((name) => name !== "README.md");
    const named = new Set(readmeOf(mesh).match(FILE));
    const others = OTHERS[mesh] ?? [];
    expect([...named].sort()).toEqual([...files, ...others].sort());
  },
);

describe("raw Envoy, from its README alone", () => {
  const keep = endsAfterAll();
  const blocks = [...readmeOf("raw").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text.trim());
  const folder = mkdtempSync(join(tmpdir(), "mcp-readme-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let path = "";

  beforeAll(async () => {
    symlinkSync(await findEnvoy(), join(folder, "envoy"));
    path = `${folder}:${process.env.PATH}`;
  });

  const run = (command: string): Command => keep(startCommand(command, { PATH: path, PYTHONUNBUFFERED: "1" }));

  it("three commands, and one that shows the tool's call", async () => {
    const [prepare, serve, start, read] = blocks;
    expect(blocks).toHaveLength(4);
    keep(await startFixtureServer(3001));
    expect(await run(prepare).ended).toBe(0);
    await run(serve).shows(/Serving HTTP on 127\.0\.0\.1 port 8000/);
    await run(start).shows(/starting main dispatch loop/);
    // The listener opens when the module has arrived.
    const isOpen = () =>
      fetch("http://127.0.0.1:10000/mcp").then(
        () => true,
        () => false,
      );
    await expect.poll(isOpen, POLL).toBe(true);
    const client = await connectClient("sdk1", "http://127.0.0.1:10000/mcp");
    await client.callTool("get_weather", { city: "Oslo" });
    await client.close();
    const shown = /^```text\n(.*?)^```$/ms.exec(readmeOf("raw"))![1].trim();
    const lines = async () => {
      const command = run(read);
      await command.ended;
      return command.output().split("\n");
    };
    await expect.poll(lines, POLL).toContain(shown);
  });
});
