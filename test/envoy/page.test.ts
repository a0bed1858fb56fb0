/** The page that `npm start` serves, in Chromium: with the demo's traffic, and with a server whose names attack it. */
import axe from "axe-core";
import { request } from "node:http";
import { Server } from "@modelcontextprotocol/server";
import type { Browser, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { connectClient } from "../../scripts/demo/client.ts";
import { listen, serveBothEras } from "../../scripts/demo/servers/eras.ts";
import { effort } from "../effort.ts";
import { hasBrowser, openPage } from "../traces/browser.ts";
import { endsAfterAll } from "./cleanup.ts";
import { type Command, startCommand } from "./commands.ts";
import { freePort } from "./sessions/free-port.ts";

const MINUTE = 60_000;
const [WIDTH, HEIGHT] = [1280, 900];
const PICTURE = "docs/start-page.png";
const keep = endsAfterAll();
const isFull = effort(false, true);
const HAS_BROWSER = hasBrowser();

function start(args = ""): Command {
  // In CI, picocolors would color what these tests match line by line.
  return keep(startCommand(`npm start --silent -- ${args}`, { NO_COLOR: "1" }));
}

/** The printed address of the page. */
async function addressOf(command: Command): Promise<string> {
  const [, address] = await command.shows(/^page +(http:\/\/127\.0\.0\.1:\d+\/)$/m);
  return address;
}

/** An opened page, and everything that went wrong in it. */
interface Opened {
  page: Page;
  browser: Browser;
  /** Errors, messages of the console, violations of the content security policy, and requests to other origins. */
  faults: () => Promise<string[]>;
}

async function open(address: string): Promise<Opened> {
  const { page, browser } = await openPage("about:blank", WIDTH, HEIGHT);
  keep(browser);
  const faults: string[] = [];
  page.on("console", (message) => faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (sent) => {
    if (!sent.url().startsWith(address)) faults.push(sent.url());
  });
  await page.addInitScript(() => {
    const violations: string[] = [];
    Object.assign(window, { violations });
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
  });
  await page.goto(address);
  const violations = () => page.evaluate(() => (window as unknown as { violations: string[] }).violations);
  return { page, browser, faults: async () => [...faults, ...(await violations())] };
}

/** The texts of a table's rows, cell by cell. */
async function cells(page: Page, name: string): Promise<string[][]> {
  const rows = page.getByRole("table", { name }).locator("tbody tr");
  return rows.evaluateAll((found) => found.map((row) => [...row.children].map(({ textContent }) => textContent)));
}

const rowOf = async (page: Page, tool: string) =>
  (await cells(page, "Tools and methods")).find(([name]) => name === tool);

test.runIf(HAS_BROWSER)(
  "shows the demo's traffic, a session's steps, and the end",
  { timeout: 3 * MINUTE },
  async () => {
    const command = start();
    const address = await addressOf(command);
    const { page, faults } = await open(address);
    await expect.poll(() => page.locator("#connection").innerText(), { timeout: MINUTE }).toBe("Live");

    await expect.poll(() => rowOf(page, "get_weather"), { timeout: MINUTE }).toMatchObject({ 1: "shop" });
    await expect.poll(() => rowOf(page, "echo"), { timeout: MINUTE }).toMatchObject({ 1: "everything" });
    const calls = async () => Number((await rowOf(page, "get_weather"))?.[2]);
    const before = await calls();
    await expect.poll(calls, { timeout: MINUTE }).toBeGreaterThan(before);

    // The values below the chart of calls: the demo has searches in every step.
    const legend = page.getByRole("list", { name: "Calls per second: values" });
    const searches = async () => Number(/search_docs\s*([\d.]+)/.exec(await legend.innerText())?.[1]);
    await expect.poll(searches, { timeout: MINUTE }).toBeGreaterThan(0);
    expect(await page.locator("#charts canvas").count()).toBe(7);
    await expect.poll(() => cells(page, "Limited"), { timeout: MINUTE }).toMatchObject([{ 0: "loops", 1: "shop" }]);

    const session = page.locator("#sessions tbody button").first();
    const id = await session.innerText();
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    await session.click();
    await expect.poll(() => page.locator("#session h3").innerText()).toBe(`Session ${id}`);
    await expect.poll(() => cells(page, "Steps of the session").then((rows) => rows.length)).toBeGreaterThan(0);

    // A name of another site that resolves to 127.0.0.1 (DNS rebinding).
    const status = await new Promise((resolve, reject) => {
      const refused = request(address, { headers: { host: "attacker.example" } }, ({ statusCode }) =>
        resolve(statusCode),
      );
      refused.once("error", reject).end();
    });
    expect(status).toBe(421);
    expect(await faults()).toEqual([]);

    await command.interrupt();
    expect(command.leftovers()).toEqual([]);
    await expect.poll(() => page.locator("#connection").innerText()).toMatch(/^Ended/);
    expect(await calls()).toBeGreaterThan(before);
  },
);

/** What is wrong with the page's accessibility, by axe's rules and the elements that break them. */
async function inaccessible(page: Page): Promise<string[]> {
  // Evaluated by the browser's debugger, to which the content security policy does not apply.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target.join(" ")}: ${failureSummary}`),
  );
}

describe.runIf(isFull && HAS_BROWSER)("with a minute of the demo's traffic", { timeout: 5 * MINUTE }, () => {
  test("is accessible in light and dark mode, and fits at widths of 400 to 1600 pixels", async () => {
    const command = start();
    const { page, faults } = await open(await addressOf(command));
    const points = () => page.locator("#moment").getAttribute("max").then(Number);
    await expect.poll(points, { timeout: 3 * MINUTE }).toBeGreaterThan(12);
    if (process.env.MCP_WRITE_TABLES) await page.screenshot({ path: PICTURE });

    await page.locator("#sessions tbody button").first().click();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [400, 800, 1280, 1600]) {
        await page.setViewportSize({ width, height: HEIGHT });
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
        const wide = await page.locator("#charts canvas").evaluateAll((all) => all.map((each) => each.clientWidth));
        expect(Math.max(...wide)).toBeLessThanOrEqual(width);
      }
      expect(await inaccessible(page)).toEqual([]);
    }
    expect(await faults()).toEqual([]);
    await command.interrupt();
  });

  test("works by keyboard alone", async () => {
    const command = start();
    const { page, faults } = await open(await addressOf(command));
    await expect.poll(() => rowOf(page, "search_docs"), { timeout: MINUTE }).toBeDefined();
    await expect.poll(() => page.locator("#sessions tbody button").count(), { timeout: MINUTE }).toBeGreaterThan(0);
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    /** Moves the focus with the tab key to an element with this text. */
    const tabTo = async (text: RegExp) => {
      for (let presses = 0; presses < 300; presses++) {
        if (text.test(await focused())) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`The tab key does not reach ${text}`);
    };

    await tabTo(/^Skip to the charts$/);
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");

    await tabTo(/^Calls$/);
    const outline = () => page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
    expect(await outline()).toBe("solid");
    await page.keyboard.press("Enter");
    expect(await page.locator("#tools th[aria-sort]").getAttribute("aria-sort")).toBe("descending");
    const sorted = async () => {
      const numbers = (await cells(page, "Tools and methods")).map((row) => Number(row[2]));
      return numbers.toSorted((a, b) => b - a).join() === numbers.join();
    };
    await expect.poll(sorted).toBe(true);
    await page.keyboard.press("Space");
    expect(await page.locator("#tools th[aria-sort]").getAttribute("aria-sort")).toBe("ascending");

    await tabTo(/^search_docs$/);
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator("#chosen-tool").innerText()).toMatch(/^Only search_docs/);
    const legend = page.getByRole("list", { name: "Calls per second: values" });
    await expect.poll(() => legend.innerText()).toMatch(/^search_docs/);
    await page.keyboard.press("Enter");
    expect(await page.locator("#chosen-tool").isVisible()).toBe(false);

    await tabTo(/^[0-9a-f]{16}$/);
    const id = await focused();
    await page.keyboard.press("Enter");
    expect(await focused()).toBe(`Session ${id}`);
    await tabTo(/^Close$/);
    await page.keyboard.press("Enter");
    expect(await focused()).toBe(id);
    expect(await page.locator("#session").isVisible()).toBe(false);

    await page.locator("#moment").focus();
    await expect
      .poll(() => page.locator("#moment").getAttribute("max").then(Number), { timeout: MINUTE })
      .toBeGreaterThan(2);
    const latest = await page.locator("#moment-text").innerText();
    await page.keyboard.press("Home");
    expect(await page.locator("#moment-text").innerText()).not.toBe(latest);
    expect(await page.locator("#moment-text").innerText()).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(await faults()).toEqual([]);
    await command.interrupt();
  });
});

/** Names that attack whatever shows them. */
const HTML = '<img src=x onerror="window.attacked=1">';
const SCRIPT = "</td><script>window.attacked=1</script>";
const ESCAPE = "\u001b[31mred\u009b2J";
const BIDI = "\u202egnp.exe";
const PROTOTYPE = "__proto__";
const ATTACKS = [HTML, SCRIPT, ESCAPE, BIDI, PROTOTYPE, "x".repeat(128)];

/** An MCP server with tools of these names. */
function hostileServer(): Server {
  const server = new Server({ name: "hostile", version: "1.0.0" }, { capabilities: { tools: {} } });
  const tools = ATTACKS.map((name) => ({ name, inputSchema: { type: "object" as const } }));
  server.setRequestHandler("tools/list", () => ({ tools }));
  server.setRequestHandler("tools/call", ({ params }) => ({ content: [{ type: "text", text: params.name }] }));
  return server;
}

describe.runIf(isFull && HAS_BROWSER)("with a hostile server", { timeout: 5 * MINUTE }, () => {
  test("shows names as text, and goes on when `start` runs again", async () => {
    const handle = serveBothEras(hostileServer);
    const server = keep(await listen(() => handle));
    const args = `--upstream http://127.0.0.1:${server.port} --page-port ${await freePort()}`;
    const first = start(args);
    const address = await addressOf(first);
    const { page, faults } = await open(address);
    const [, proxy] = await first.shows(/^ *proxy +(\S+)$/m);
    const client = await connectClient("sdk1", `${proxy}/mcp`, HTML);
    await client.listTools();
    for (const name of ATTACKS) await client.callTool(name);

    const names = async () => (await cells(page, "Tools and methods")).map(([name]) => name);
    const shown = [HTML, SCRIPT, encodeURIComponent(ESCAPE), encodeURIComponent(BIDI), PROTOTYPE, "x".repeat(128)];
    await expect.poll(names, { timeout: MINUTE }).toEqual(expect.arrayContaining(shown));
    const legend = page.getByRole("list", { name: "Calls per second: values" });
    await expect.poll(() => legend.innerText(), { timeout: MINUTE }).toContain(HTML);

    await page.locator("#sessions tbody button").first().click();
    const targets = async () => (await cells(page, "Steps of the session")).map(([, , target]) => target);
    const printed = [HTML, SCRIPT, "\\u{1b}[31mred\\u{9b}2J", "\\u{202e}gnp.exe", PROTOTYPE, "x".repeat(128)];
    await expect.poll(targets, { timeout: MINUTE }).toEqual(expect.arrayContaining(printed));
    expect(await page.locator("img, main script").count()).toBe(0);
    expect(await page.evaluate(() => "attacked" in window)).toBe(false);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(WIDTH);
    // Tabs and line ends separate the cells and blocks.
    expect(await page.locator("body").innerText()).not.toMatch(/[^\P{C}\n\t]/u);
    expect(await faults()).toEqual([]);

    await client.close();
    await first.interrupt();
    await expect.poll(() => page.locator("#connection").innerText()).toMatch(/^Ended/);
    const second = start(args);
    expect(await addressOf(second)).toBe(address);
    await expect.poll(() => page.locator("#connection").innerText(), { timeout: MINUTE }).toBe("Live");
    await expect.poll(names, { timeout: MINUTE }).toEqual([]);
    await second.interrupt();
  });
});
