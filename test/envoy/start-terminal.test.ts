/** What `npm start` draws on terminals of several sizes, and where its logs are. */
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { endsAfterAll } from "./cleanup.ts";
import { startCommand } from "./commands.ts";
import { onTerminal } from "./terminal.ts";

const COMMAND = `${process.execPath} --import tsx scripts/cli.ts start`;
const keep = endsAfterAll();

test.each([
  [80, 24, {}],
  [200, 50, { NO_COLOR: "1" }],
])("%i×%i: addresses and the table's head stay in sight, and Ctrl-C ends it", async (columns, rows, env) => {
  const start = keep(onTerminal(COMMAND, columns, rows, env));
  await start.shows(/^shop +http:\/\/127\.0\.0\.1:\d+\/mcp +admin http:\/\/127\.0\.0\.1:\d+$/);
  await start.shows(/^limited$/);
  await start.shows(/^ {2}search_docs +\d/);
  const lines = await start.screen();
  const text = lines.join("\n");
  expect(text).toMatch(/^shop +http:.*\neverything +http:.*\npage +http:.*\n\n/m);
  expect(text).toMatch(/^ +calls +errors +cancelled/m);
  expect(text).toMatch(/^shop {2}\d+ of \d+ sessions active/m);
  if (rows === 24) expect(text).toMatch(/^… and \d+ more$/m);
  else expect(text).toMatch(/^ {2}tools\/list +\d/m);
  // eslint-disable-next-line no-control-regex
  if ("NO_COLOR" in env) expect(start.output()).not.toMatch(/\x1b\[[\d;]*m/);
  start.press("\x03");
  expect(await start.ended).toBe(0);
});

test("two instances have logs of their own, which a normal end removes", async () => {
  const commands = [1, 2].map(() => keep(startCommand(COMMAND)));
  const logs = await Promise.all(commands.map(async (command) => (await command.shows(/^ *log +(\S+)$/m))[1]));
  expect(new Set(logs.map(dirname)).size).toBe(2);
  for (const log of logs) expect(statSync(dirname(log)).mode & 0o777).toBe(0o700);
  await Promise.all(commands.map((command) => command.interrupt()));
  expect(logs.filter((log) => existsSync(dirname(log)))).toEqual([]);
});
