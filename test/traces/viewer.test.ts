/**
 * `npm run test:full`: MLflow's page, started by `npm start -- --traces`, shows in a real browser what an agent does.
 * With MCP_WRITE_TABLES=1 the test writes the picture of docs/tracing.md.
 */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { startCommand } from "../envoy/commands.ts";
import { connectClient } from "../../scripts/demo/client.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { hasBrowser, openPage } from "./browser.ts";
import { takePicture } from "./waterfall.ts";

const MINUTE = 60_000;
const [WIDTH, HEIGHT, PICTURE_HEIGHT] = [1200, 620, 400];
const keep = endsAfterAll();

/** What the agent does, in the page's names, by start. `ask_model` asks the agent's model. */
const STEPS = [
  "initialize",
  "tools/list",
  "tools/call get_weather",
  "tools/call ask_model",
  "sampling/createMessage",
  "tools/call search_docs",
  "tools/call charge_card",
];

async function runAgent(url: string): Promise<void> {
  const think = () => new Promise<string>((resolve) => setTimeout(() => resolve("It is."), 900));
  const agent = await connectClient("sdk1", url, "support-agent", undefined, think);
  await agent.listTools();
  await agent.callTool("get_weather", { city: "Oslo" });
  await agent.callTool("ask_model", { question: "Is this a refund?" });
  await agent.callTool("search_docs", { query: "refunds", ms: 400 });
  await agent.callTool("charge_card", { declined: true });
  await agent.close();
}

/** The spans that the open trace shows, in its order. */
async function shownSpans(page: Page): Promise<string[]> {
  const text = await page.getByRole("dialog").innerText();
  const [, tree] = /^Spans\n(.*)/ms.exec(text) ?? ["", ""];
  const names = tree.split("\n").filter((line) => /^(MCP session|[a-z]+\/\w+|initialize)/.test(line));
  // The last one is the title of the selected span: the first.
  return names.slice(0, names.lastIndexOf(names[0]));
}

/** The color in which the open trace shows a span's name. */
function colorOf(page: Page, span: string): Promise<string> {
  const name = page.getByRole("dialog").getByText(span, { exact: true }).first();
  return name.evaluate((element) => getComputedStyle(element).color);
}

test.runIf(effort(false, true) && hasBrowser())(
  "an agent's session shows as a trace with its steps in order, and what failed is marked",
  { timeout: 10 * MINUTE },
  async () => {
    const server = keep(await startFixtureServer());
    const command = keep(startCommand(`npm start -- --traces --upstream http://127.0.0.1:${server.port}`));
    const [, proxy] = await command.shows(/^ {2}proxy +(http:\/\/127\.0\.0\.1:\d+)$/m);
    const [, address] = await command.shows(/^ {2}traces +(http:\/\/127\.0\.0\.1:\d+\/sessions)$/m);
    await runAgent(`${proxy}/mcp`);

    const { page, browser } = await openPage(address, WIDTH, HEIGHT);
    keep(browser);
    const outside: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(address).origin)) outside.push(request.url());
    });
    // The root arrives when the session has ended and its totals are final.
    await expect.poll(() => refreshed(page), { timeout: MINUTE, interval: 2000 }).toContain("OK");

    await page.getByRole("row").nth(1).getByRole("cell").nth(1).click();
    await page.getByRole("dialog").waitFor();
    await expect.poll(() => shownSpans(page)).toEqual(["MCP session", ...STEPS]);
    expect(await colorOf(page, "tools/call charge_card")).not.toBe(await colorOf(page, "tools/call search_docs"));
    expect(await colorOf(page, "tools/call get_weather")).toBe(await colorOf(page, "tools/call search_docs"));
    const trace = page.getByRole("dialog");
    await trace.getByText("tools/call charge_card", { exact: true }).first().click();
    // For a failed span, the page shows its events first.
    await expect.poll(() => trace.innerText()).toMatch(/^Events\n1$/m);
    await trace.getByText("Attributes", { exact: true }).first().click();
    await expect.poll(() => trace.innerText()).toMatch(/^error\.type\n+tool_error$/m);
    if (process.env.MCP_WRITE_TABLES) await takePicture(page, "docs/tracing-session.png", WIDTH, PICTURE_HEIGHT);
    expect(outside).toEqual([]);

    await command.interrupt();
    expect(command.leftovers()).toEqual([]);
  },
);

/** The text of the list after a reload. */
async function refreshed(page: Page): Promise<string> {
  await page.reload();
  await page.getByRole("row").nth(1).waitFor();
  return page.getByRole("row").nth(1).innerText();
}
