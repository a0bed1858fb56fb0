/** `npm start` shows what is wrong with a configuration, an upstream and a request, and goes on. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { connectClient } from "../../scripts/demo/client.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { type Command, startCommand } from "./commands.ts";
import { LEGACY, request } from "./mcp-messages.ts";
import { freePort } from "./sessions/free-port.ts";

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(port: number, config: object, args = ""): Command {
  const path = join(folder, "plugin.json");
  writeFileSync(path, JSON.stringify(config));
  const command = `npm start --silent -- --upstream http://127.0.0.1:${port} --config ${path} ${args}`;
  // In CI, picocolors would color what these tests match line by line.
  return keep(startCommand(command, { NO_COLOR: "1" }));
}

test("a configuration with mistakes and a dead upstream: each is named, and the rest goes on", async () => {
  const port = await freePort();
  const command = start(port, {
    match: { paths: ["/mcp"] },
    labels: { maxTools: "many" },
    access: { rules: [{ name: "reads", action: "PERMIT" }] },
  });
  const [, proxy] = await command.shows(/^ *proxy +(\S+)$/m);
  await command.shows(/^The configuration is invalid.*mcp_configuration_invalid 1$/m);
  await command.shows(/^ {2}labels\.maxTools: expected .*, got "many"$/m);
  await command.shows(/^ {2}access\.rules\[0\]\.action: expected ALLOW or DENY, got "PERMIT"$/m);
  await command.shows(
    new RegExp(`^The MCP server at 127\\.0\\.0\\.1:${port} accepts no connections \\(ECONNREFUSED\\)`, "m"),
  );

  // It is denied by the filter, so it needs no upstream.
  await fetch(`${proxy}/mcp`, { method: "POST", headers: LEGACY, body: request(1, "initialize") });
  await command.shows(/^ +1 +\S+ +initialize +by _closed\n +_closed: there is no valid policy/m);

  const [, log] = await command.shows(/^ *log +(\S+)$/m);
  expect(readFileSync(log, "utf8")).toMatch(/\[error\].*invalid configuration.*labels\.maxTools/);
  // Without --log the output has no such lines.
  expect(command.output()).not.toContain("wasm log");

  keep(await startFixtureServer(port));
  const before = command.output().length;
  await expect
    .poll(() => command.output().slice(before).split("The configuration is invalid").at(-2), { timeout: 60_000 })
    .not.toContain("accepts no connections");
  await command.interrupt();
  expect(command.leftovers()).toEqual([]);
});

test("--log shows Envoy's log, access log and audit lines; denials are shown with their rule", async () => {
  const server = keep(await startFixtureServer());
  const rules = [
    { name: "no-charges", action: "DENY", to: [{ operation: { tools: ["charge_card"] } }] },
    { name: "all", action: "ALLOW" },
  ];
  const command = start(server.port, { match: { paths: ["/mcp"] }, access: { rules } }, "--log");
  const [, proxy] = await command.shows(/^ *proxy +(\S+)$/m);
  const client = await connectClient("sdk1", `${proxy}/mcp`);
  // Without the list the tool would be one that nobody knows.
  await client.listTools();
  await expect(client.callTool("charge_card", {})).rejects.toThrow("Denied by the access policy");
  await Promise.allSettled([client.callTool("over\u202eride", {})]);
  await client.close();
  await command.shows(/^\{.*"mcp_rule":"no-charges"/m);
  await command.shows(/\[wasm\].*"event":"mcp_access_denied".*"rule":"no-charges"/);
  await command.shows(/^ +1 +\S+ +charge_card +by no-charges$/m);
  // Names that strangers chose do not reorder the text around them.
  await command.shows(/"over\\u\{202e\}ride"/);
  expect(command.output()).not.toContain("\u202e");
  await command.interrupt();
});
