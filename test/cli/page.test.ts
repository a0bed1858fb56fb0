/** The page that `start` serves: its history, its sessions and its HTTP server, without Envoy and browser. */
import { type IncomingMessage, request } from "node:http";
import { describe, expect, test } from "vitest";
import type { Opening, Step, Update } from "../../scripts/page/data.ts";
import { History, HISTORY_MS, STEP_MS } from "../../scripts/page/history.ts";
import { type Page, startPage } from "../../scripts/page/page.ts";
import { Sessions } from "../../scripts/page/sessions.ts";
import { readStatistics } from "../../scripts/statistics/statistics.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { freePort } from "../envoy/sessions/free-port.ts";

const keep = endsAfterAll();
const SHOP = 'mcp_role="server",mcp_server="shop"';
const TOOL = `${SHOP},mcp_method_name="tools/call",gen_ai_tool_name="get_weather"`;
const START = Date.UTC(2026, 11, 1);

/** Statistics of a tool that was called this often, with durations of up to 5 ms, and that failed this often. */
function called(calls: number, errors = 0) {
  return readStatistics([
    `
mcp_operations_total{${TOOL},mcp_outcome="ok"} ${calls - errors}
mcp_operations_total{${TOOL},mcp_outcome="tool_error"} ${errors}
mcp_operation_duration_milliseconds_bucket{${TOOL},le="5"} ${calls}
mcp_operation_duration_milliseconds_bucket{${TOOL},le="+Inf"} ${calls}
mcp_tokens_total{${SHOP},gen_ai_tool_name="get_weather",mcp_token_kind="result"} ${10 * calls}
mcp_sessions_active{${SHOP},mcp_session_state="idle"} 3
mcp_limit_queue_length{${SHOP},mcp_limit_rule="searches"} 2
mcp_limit_decisions_total{${SHOP},mcp_limit_rule="searches",mcp_limit_decision="queued"} 9
mcp_access_decisions_total{${SHOP},mcp_access_action="deny",mcp_access_mode="enforce",mcp_access_rule="r"} ${calls}
mcp_build_info{} 1
`,
  ]);
}

describe("the history", () => {
  test("has what happened between two readings, as rates", () => {
    const history = new History();
    expect(history.add(called(100), START)).toBeUndefined();
    expect(history.add(called(104), START + 1000)).toBeUndefined();
    const point = history.add(called(110, 5), START + STEP_MS);
    const key = JSON.stringify(["shop", "tools/call", "get_weather"]);
    expect(point).toEqual({
      time: START + STEP_MS,
      rows: [{ key, calls: 2, errors: 1, p50: 2.5, p95: 4.75 }],
      servers: [
        {
          ...{ name: "shop", calls: 2, errors: 1, denied: 2, limited: 0, tokensIn: 20, tokensOut: 0, waiting: 2 },
          states: [{ state: "idle", count: 3 }],
        },
      ],
    });
    expect(history.points).toEqual([point]);
  });

  test("does not count again what was missing in one reading, because an Envoy did not answer", () => {
    const history = new History();
    for (const [index, statistics] of [called(100), readStatistics([""]), called(105)].entries()) {
      history.add(statistics, START + index * STEP_MS);
    }
    expect(history.points.map(({ rows }) => rows.map(({ calls }) => calls))).toEqual([[], [1]]);
  });

  test("is as long as the page says, and no longer", () => {
    const history = new History();
    const most = HISTORY_MS / STEP_MS;
    for (let index = 0; index < most + 10; index++) history.add(called(index), START + index * STEP_MS);
    expect(history.points).toHaveLength(most);
    expect(history.points.at(-1)?.time).toBe(START + (most + 9) * STEP_MS);
  });

  test("has a bounded number of rows in a point, but the servers' totals include all", () => {
    const operations = (index: number, calls: number) =>
      `mcp_operations_total{${SHOP},mcp_method_name="tools/call",gen_ai_tool_name="t${index}",mcp_outcome="ok"} ${calls * (index + 1)}\n`;
    const many = (calls: number) =>
      readStatistics([Array.from({ length: 500 }, (_, index) => operations(index, calls)).join("")]);
    const history = new History();
    history.add(many(0), START);
    const point = history.add(many(5), START + STEP_MS);
    expect(point?.rows).toHaveLength(100);
    expect(point?.rows[0]).toMatchObject({ calls: 500 });
    expect(point?.servers[0].calls).toBe((500 * 501) / 2);
  });
});

const ID = "5a1f0c3e9b7d2468";

/** A line of the access log that envoy.yaml writes. */
function line(fields: object): string {
  const common = { start_time: "2026-12-01T00:00:00.250Z", status: 200, response_flags: "-", method: "POST" };
  return JSON.stringify({ ...common, mcp_session: ID, mcp_method: "tools/call", ...fields });
}

describe("sessions", () => {
  test("are read from the access log and from operations that end later, by their start", () => {
    const sessions = new Sessions();
    const event = {
      ...{ event: "mcp_operation_ended", time: "2026-12-01T00:00:00.500Z", session: ID, outcome: "ok" },
      ...{ method: "sampling/createMessage", direction: "server_to_client", duration_ms: 400, tokens: 7 },
    };
    const limited = { mcp_outcome: "limited", mcp_limit: "loops", mcp_wait_ms: "10", status: 429, mcp_era: "legacy" };
    sessions.add("shop", line({ mcp_target: "echo", mcp_outcome: "ok", mcp_duration_ms: "12", mcp_tokens: "31" }));
    sessions.add("shop", `[2026-12-01 00:00:00.500][1][info][wasm] [x.cc:1] wasm log mcp: ${JSON.stringify(event)}`);
    sessions.add("shop", line(limited));
    const common = { durationMs: undefined, waitMs: 0, tokens: 0, isFailure: false, target: "", method: "tools/call" };
    expect(sessions.steps("shop", ID)).toEqual([
      {
        ...common,
        ...{ start: START + 100, method: "sampling/createMessage", outcome: "ok", durationMs: 400, tokens: 7 },
        notes: ["asked by the server"],
      },
      { ...common, start: START + 250, target: "echo", outcome: "ok", durationMs: 12, tokens: 31, notes: [] },
      {
        ...common,
        ...{ start: START + 250, outcome: "limited", isFailure: true, waitMs: 10 },
        notes: ["HTTP status 429", "limit loops"],
      },
    ]);
    expect(sessions.list()).toEqual([
      {
        ...{ id: ID, server: "shop", era: "legacy", principal: "", tokens: 38 },
        ...{ first: START + 100, last: START + 250, steps: 3, failures: 1 },
      },
    ]);
    expect(sessions.steps("other", ID)).toBeUndefined();
  });

  test.each([
    ["no session", line({ mcp_session: null })],
    ["a session that is no hash", line({ mcp_session: "secret-session-id" })],
    ["no time", line({ start_time: "yesterday" })],
    ["no JSON", "{ nope"],
    ["JSON without the fields", '{"a":1}'],
    ["a line of Envoy", "[2026-12-01 00:00:00.500][1][warning][main] listening"],
    ["an endless line", line({ mcp_target: "x".repeat(100_000) })],
  ])("ignore %s", (_what, text) => {
    const sessions = new Sessions();
    sessions.add("shop", text);
    expect(sessions.list()).toEqual([]);
  });

  test("show the names that strangers chose as printable text of bounded length", () => {
    const sessions = new Sessions();
    sessions.add("shop", line({ mcp_target: "\u001b[31m\u202eevil\u0085<img src=x>" }));
    sessions.add("shop", line({ mcp_target: "x".repeat(1000) }));
    const targets = sessions.steps("shop", ID)?.map(({ target }) => target);
    expect(targets).toEqual(["\\u{1b}[31m\\u{202e}evil\\u{85}<img src=x>", "x".repeat(256)]);
  });

  test("are bounded, and so are their steps: the latest remain", () => {
    const sessions = new Sessions();
    const id = (index: number) => index.toString(16).padStart(16, "0");
    for (let index = 0; index < 1000; index++) sessions.add("shop", line({ mcp_session: id(index) }));
    expect(sessions.list()).toHaveLength(200);
    expect(sessions.list()[0].id).toBe(id(999));
    for (let index = 0; index < 1000; index++) sessions.add("shop", line({ mcp_session: id(7), mcp_tokens: "1" }));
    expect(sessions.steps("shop", id(7))).toHaveLength(500);
    expect(sessions.list()[0]).toMatchObject({ id: id(7), steps: 1000, tokens: 1000 });
  });
});

describe("the server", () => {
  /** What the page's server answers. */
  async function answer(page: Page, path: string, options: { method?: string; host?: string } = {}) {
    const { host, port } = new URL(page.url);
    const headers = { host: options.host ?? host };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: "127.0.0.1", port, path, method: options.method, headers }, resolve).once("error", reject).end();
    });
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    return { status: response.statusCode, headers: response.headers, text };
  }

  test("answers only for its own names, and only reads", async () => {
    const page = keep(await startPage(undefined));
    const { port } = new URL(page.url);
    const others = ["attacker.example", `attacker.example:${port}`, "127.0.0.1", `127.0.0.1.attacker.example:${port}`];
    for (const path of ["/", "/opening", "/updates", "/steps?server=a&session=b"]) {
      for (const host of others) expect(await answer(page, path, { host })).toMatchObject({ status: 421 });
      expect(await answer(page, path, { method: "POST" })).toMatchObject({ status: 405 });
      expect(await answer(page, path, { method: "OPTIONS" })).toMatchObject({ status: 405 });
    }
    expect(await answer(page, "/", { host: `localhost:${port}` })).toMatchObject({ status: 200 });
    expect(await answer(page, "/", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
    expect(await answer(page, "/../../package.json")).toMatchObject({ status: 404 });
    expect(await answer(page, "//")).toMatchObject({ status: 400 });
  });

  test("restricts every answer to its own origin", async () => {
    const page = keep(await startPage(undefined));
    for (const path of ["/", "/main.js", "/uplot.js", "/style.css", "/opening", "/nothing"]) {
      const { headers } = await answer(page, path);
      expect(headers).toMatchObject({
        "content-security-policy":
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
  });

  test("sends the history, updates, steps and the end", async () => {
    const page = await startPage(undefined);
    page.addProxy({ name: "shop", proxyUrl: "http://127.0.0.1:1/mcp", statisticsUrl: "http://127.0.0.1:2/" });
    page.addLine("shop", line({ mcp_target: "echo" }));
    const updates = answer(page, "/updates");
    // The server has the earlier request by now.
    expect(await answer(page, "/opening")).toMatchObject({ status: 200 });
    page.show(called(3), [{ severity: "error", text: "wrong" }]);
    const opening = JSON.parse((await answer(page, "/opening")).text) as Opening;
    expect(opening.now).toMatchObject({
      rows: [{ name: "get_weather", server: "shop", cells: { calls: { value: 3, text: "3" } } }],
      servers: [{ name: "shop", sessionsActive: 3 }],
      problems: [{ severity: "error", text: "wrong" }],
      sessions: [{ id: ID }],
    });
    const steps = await answer(page, `/steps?server=shop&session=${ID}`);
    expect((JSON.parse(steps.text) as Step[]).map(({ target }) => target)).toEqual(["echo"]);
    expect(await answer(page, "/steps?server=shop&session=0000000000000000")).toMatchObject({ status: 404 });
    await page.stop();
    const { text, headers } = await updates;
    expect(headers["content-type"]).toBe("text/event-stream");
    const update = JSON.parse(/^data: (.+)$/m.exec(text)![1]) as Update;
    expect(update.now).toEqual(opening.now);
    expect(text).toMatch(/^event: ended$/m);
  });

  test("has a bounded number of open pages", async () => {
    const page = await startPage(undefined);
    const open = Array.from({ length: 16 }, () => answer(page, "/updates"));
    await expect.poll(async () => (await answer(page, "/updates", { method: "HEAD" })).status).toBe(503);
    await page.stop();
    for (const { status } of await Promise.all(open)) expect(status).toBe(200);
  });

  test("says which option gives another port", async () => {
    const port = await freePort();
    const page = keep(await startPage(port));
    expect(page.url).toBe(`http://127.0.0.1:${port}/`);
    await expect(startPage(port)).rejects.toThrow("--page-port");
  });
});
