/**
 * Each query of the dashboards has data in a real Prometheus that scrapes real proxies, and each panel is drawn from it in a
 * real browser. With MCP_WRITE_TABLES=1 the test writes the pictures of envoy/dashboards/README.md.
 */
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { isInstant, type Panel, type Query, type Row } from "../../scripts/dashboards/panel.ts";
import { ROWS } from "../../scripts/dashboards/rows.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { hasPrometheus } from "../prometheus/prometheus.ts";
import { hasBrowser } from "../traces/browser.ts";
import { type Choice, type Fill, fillAsGrafana, fillAsPerses } from "./fill.ts";
import { COLORS } from "./option.ts";
import { countMarks, drawRows } from "./page.ts";
import { NAMESPACE, runTraffic, type Scraped, type Traffic } from "./traffic.ts";

const WRITES_PICTURES = Boolean(process.env.MCP_WRITE_TABLES);
/** Pictures show more than a rise. */
const WAVES = WRITES_PICTURES ? 6 : 2;
/** The step between points, in seconds. */
const STEP = 5;
/** The filter records gauges, and sessions that have ended, every 5 s. */
const SETTLED = { timeout: 30_000, interval: 1000 };
const MINUTE = 60_000;
const PANELS = ROWS.flatMap(({ panels }) => panels);
/** Rows that are drawn on one page, and the picture of them. */
const PAGES: { rows: Row[]; picture?: string }[] = [
  { rows: ROWS.slice(0, 2), picture: "docs/pictures/dashboard-calls.png" },
  { rows: ROWS.slice(2, 3), picture: "docs/pictures/dashboard-tools.png" },
  { rows: ROWS.slice(3, 5), picture: "docs/pictures/dashboard-sessions.png" },
  { rows: ROWS.slice(5, 6) },
  { rows: ROWS.slice(6, 7), picture: "docs/pictures/dashboard-access.png" },
  { rows: ROWS.slice(7) },
];

describe.runIf(hasPrometheus())("with a real Prometheus", { timeout: 2 * MINUTE }, () => {
  const keep = endsAfterAll();
  let traffic: Traffic;

  beforeAll(async () => {
    traffic = await runTraffic(keep, WAVES, effort(false, true));
  }, 10 * MINUTE);

  const all = (): Choice => {
    return { role: "server", range: Math.ceil(Date.now() / 1000 - traffic.start) + 60, rateInterval: 60 };
  };
  const chosen = ({ servers }: Scraped): Choice => ({ ...all(), namespaces: [NAMESPACE], servers });

  /** The titles of the panels and the legends of their queries without a number as a result. */
  async function withoutData({ prometheus }: Scraped, fill: Fill, choice: Choice): Promise<string[]> {
    const hasData = async (panel: Panel, { expr }: Query) => {
      const filled = fill(expr, choice);
      if (isInstant(panel)) return (await prometheus.query(filled)).some(({ value }) => !Number.isNaN(value));
      const lines = await prometheus.queryRange(filled, traffic.start, Date.now() / 1000, STEP);
      return lines.some(({ points }) => points.some(([, value]) => !Number.isNaN(value)));
    };
    const missing: string[] = [];
    for (const panel of PANELS) {
      for (const query of panel.queries) {
        if (!(await hasData(panel, query))) missing.push(`${panel.title}: ${query.legend}`);
      }
    }
    return missing;
  }

  it("each query has data in all namespaces and of all servers", async () => {
    await expect.poll(() => withoutData(traffic.byTags, fillAsGrafana, all()), SETTLED).toEqual([]);
  });

  it.each([fillAsGrafana, fillAsPerses])(
    "each query has data in a namespace and of two servers: $name",
    async (fill) => {
      await expect.poll(() => withoutData(traffic.byTags, fill, chosen(traffic.byTags)), SETTLED).toEqual([]);
    },
  );

  it("no query has data of a namespace, server or role that is not there", async () => {
    const { prometheus } = traffic.byTags;
    const none: Choice[] = [
      { ...all(), namespaces: ["elsewhere"] },
      { ...all(), servers: ["shop"] },
      { ...all(), role: "client" },
    ];
    const operations = ROWS[0].panels[0].queries[0].expr;
    for (const choice of none) expect(await prometheus.query(fillAsGrafana(operations, choice))).toEqual([]);
  });

  it.runIf(effort(false, true))("each query has data by relabel rules, without a namespace", async () => {
    const byRules = traffic.byRules!;
    await expect.poll(() => withoutData(byRules, fillAsGrafana, all()), SETTLED).toEqual([]);
    const servers = { ...all(), servers: byRules.servers };
    await expect.poll(() => withoutData(byRules, fillAsPerses, servers), SETTLED).toEqual([]);
  });

  describe.runIf(hasBrowser())("in a real browser", () => {
    const draw = async (rows: Row[]): Promise<{ page: Page; browser: Browser }> => {
      const [start, end] = [traffic.start, Date.now() / 1000];
      const opened = await drawRows(rows, traffic.byTags.prometheus, all(), { start, end, step: STEP });
      keep(opened.browser);
      return opened;
    };

    it.each(effort(PAGES.slice(0, 1), PAGES))("each panel has marks: $rows.0.title", async ({ rows, picture }) => {
      const { page } = await draw(rows);
      const marks = await countMarks(page, COLORS);
      expect(Object.keys(marks)).toEqual(rows.flatMap(({ panels }) => panels.map(({ title }) => title)));
      expect(Object.entries(marks).filter(([, count]) => count === 0)).toEqual([]);
      if (WRITES_PICTURES && picture !== undefined) await page.screenshot({ path: picture });
    });
  });
});
