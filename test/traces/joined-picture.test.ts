/**
 * `npm run test:full`: an agent and a server with their own spans, and the sidecars of both, all export to MLflow,
 * whose page shows one trace in a real browser. With MCP_WRITE_TABLES=1 the test writes the picture of docs/tracing.md.
 */
import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { startTraceViewer } from "../../scripts/start/traces/viewer.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { runTracedPythonClient, startPythonServer } from "../fixtures/python.ts";
import { hasBrowser, openPage } from "./browser.ts";
import { startSidecars } from "./sidecars.ts";
import { spansPane, takePicture } from "./waterfall.ts";

const MINUTE = 60_000;
// The page contains only visible spans.
const [WIDTH, HEIGHT, PICTURE_HEIGHT] = [1200, 1000, 640];
const LEGACY = "2025-11-25";
const TOOL = "ask_model";
const CALL = `tools/call ${TOOL}`;
const keep = endsAfterAll();

/**
 * The spans of the trace by start. The three within one of the agent's belong to its sidecar, to the server's sidecar
 * and to the server.
 */
const TREE = [
  "agent",
  ...["  MCP send initialize", "    initialize", "    initialize", "    initialize"],
  ...["  MCP send tools/list", "    tools/list", "    tools/list", "    tools/list"],
  `  MCP send ${CALL}`,
  ...[`    ${CALL}`, "      sampling/createMessage"],
  ...[`    ${CALL}`, "      sampling/createMessage"],
  ...[`    ${CALL}`, "      MCP send sampling/createMessage"],
];

/** Opens the only trace of a session. The others belong to the server's HTTP requests. */
async function openTrace(page: Page, address: string): Promise<void> {
  await page.goto(address);
  const row = page.getByRole("row").filter({ hasText: /[0-9a-f]{16}/ });
  await row.getByRole("cell").nth(1).click();
  await page.getByRole("dialog").waitFor();
}

/** The spans of the open trace in the page's order, indented by two spaces per level. */
async function shownTree(page: Page): Promise<string[]> {
  const pane = (await spansPane(page).boundingBox())!;
  const names = page
    .getByRole("dialog")
    .getByText(/^(agent|MCP session|(MCP send )?(initialize|[a-z]+\/\w+( \w+)?)|(GET|POST|DELETE).*)$/);
  const places = await names.evaluateAll((elements) =>
    elements.map((element) => {
      const { x, y } = element.getBoundingClientRect();
      return { name: element.textContent, x, y };
    }),
  );
  const spans = places.filter(({ x, y }) => x < pane.x + pane.width && y > pane.y + pane.height);
  spans.sort((a, b) => a.y - b.y);
  const columns = [...new Set(spans.map(({ x }) => x))].sort((a, b) => a - b);
  return spans.map(({ name, x }) => "  ".repeat(columns.indexOf(x)) + name);
}

/**
 * Selects one of the spans of the call, counted from the top. Resolves to its id and the attributes that identify its
 * service.
 */
async function chooseCall(page: Page, index: number): Promise<Record<string, string>> {
  const trace = page.getByRole("dialog");
  await trace.getByText(CALL, { exact: true }).nth(index).click();
  const attributes = (await trace.innerText()).matchAll(
    /^(jsonrpc\.request\.id|mcp\.server\.name|mcp\.outcome)\n+(.*)$/gm,
  );
  return Object.fromEntries([...attributes].map(([, name, value]) => [name, value]));
}

test.runIf(effort(false, true) && hasBrowser())(
  "an agent, the sidecars and a server show as one trace, each call of the agent around those of the others",
  { timeout: 10 * MINUTE },
  async () => {
    const viewer = keep(await startTraceViewer({ progress: () => {} }));
    const address = await viewer.page;
    const { host, port, headers } = viewer.collector;
    const collector = `http://${host}:${port}/v1/traces`;
    // In the format of OpenTelemetry's SDKs.
    const asText = Object.entries(headers).map(([name, value]) => `${name}=${value}`);
    vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", asText.join(","));

    const server = keep(await startPythonServer("traced", collector));
    // Without this, the sessions' own traces would appear next to the agent's.
    const trace = { authority: `${host}:${port}`, headers, sessions: false, sample: { ratio: 0, errors: false } };
    const { url } = keep(await startSidecars(server, viewer.collector, trace, { server: "shop" }));
    await runTracedPythonClient(`${url}/mcp`, { collector, revision: LEGACY, tools: [TOOL], thinking: 0.5 });

    const { page, browser } = await openPage(address, WIDTH, HEIGHT);
    keep(browser);
    // The sidecars export their spans within about a second.
    const opened = () => openTrace(page, address).then(() => shownTree(page));
    await expect.poll(opened, { timeout: MINUTE, interval: 2000 }).toEqual(TREE);

    const id = { "jsonrpc.request.id": "3" };
    const ofFilter = (server: string) => ({ ...id, "mcp.server.name": server, "mcp.outcome": "ok" });
    await expect.poll(() => chooseCall(page, 0)).toEqual(ofFilter("mcp_upstream"));
    await expect.poll(() => chooseCall(page, 2)).toEqual(id);
    await expect.poll(() => chooseCall(page, 1)).toEqual(ofFilter("shop"));
    if (process.env.MCP_WRITE_TABLES) await takePicture(page, "docs/tracing-joined.png", WIDTH, PICTURE_HEIGHT);
  },
);
