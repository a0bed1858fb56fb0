/** What `npm start` says where it can't do what was asked, and that it leaves nothing behind. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { endsAfterAll } from "./cleanup.ts";
import { startCommand } from "./commands.ts";

const START = "npm start --silent --";
const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function refusal(args: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const command = keep(startCommand(`${START} ${args}`, env));
  expect(await command.ended).toBe(2);
  expect(command.leftovers()).toEqual([]);
  return command.output().trim();
}

describe("one clear sentence", () => {
  test.concurrent.for([
    ["--upstream nonsense", /must look like http:\/\/host:port/],
    ["--upstream https://127.0.0.1:1", /Only http:\/\/ is possible here/],
    ["--port 70000", /whole number from 1 to 65535/],
    ["--concurrency none", /whole number from 1 to 256/],
    ["--config missing.json", /cannot be read/],
    ["--nonsense", /unknown option/],
  ] as const)("%s", async ([args, sentence], { expect }) => {
    const output = await refusal(args);
    expect(output).toMatch(sentence);
    expect(output.split("\n")).toHaveLength(1);
  });

  test("a configuration that is no JSON", async () => {
    expect(await refusal(`--config ${file("bad.json", "{nope")}`)).toMatch(/not valid JSON/);
  });

  test("a port in use", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    try {
      for (const option of ["--port", "--admin-port"]) {
        expect(await refusal(`--upstream http://127.0.0.1:1 ${option} ${port}`)).toMatch(
          new RegExp(`${port}.*in use: give another with ${option},`),
        );
      }
    } finally {
      other.close();
    }
  });

  test("no Python, and no Envoy in the cache", async () => {
    symlinkSync(process.execPath, join(folder, "node"));
    const command = keep(
      startCommand("node --import tsx scripts/cli.ts start", { PATH: folder, XDG_CACHE_HOME: folder, ENVOY_PATH: "" }),
    );
    expect(await command.ended).toBe(2);
    expect(command.output().trim().split("\n")).toEqual([expect.stringMatching(/Python 3\.10/)]);
  });
});

test.each([/Starting the demo/, /Starting Envoy/])("Ctrl-C at %s leaves nothing running", async (moment) => {
  const command = keep(startCommand("npm start"));
  await command.shows(moment);
  await command.interrupt();
  expect(command.leftovers()).toEqual([]);
});
