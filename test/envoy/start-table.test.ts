/** What `npm start` makes of an Envoy's statistics: rows, totals and the table. It needs no Envoy. */
import { describe, expect, test } from "vitest";
import { renderDenials } from "../../scripts/start/denials.ts";
import { renderLimits } from "../../scripts/start/limits.ts";
import { renderProblems } from "../../scripts/start/problems.ts";
import { renderQueues } from "../../scripts/start/queues.ts";
import { renderTable } from "../../scripts/start/table.ts";
import { readDenials } from "../../scripts/statistics/denials.ts";
import { readSamples, type Sample } from "../../scripts/statistics/exposition.ts";
import { formatBytes, formatDuration, formatTokens } from "../../scripts/statistics/format.ts";
import { readInvalid } from "../../scripts/statistics/invalid.ts";
import { readLimitedCallers, readLimits } from "../../scripts/statistics/limits.ts";
import { readQueues } from "../../scripts/statistics/queues.ts";
import { readRows } from "../../scripts/statistics/rows.ts";
import { readServers } from "../../scripts/statistics/servers.ts";

const TOOL = 'mcp_role="server",mcp_server="shop",gen_ai_tool_name="get_weather"';
const CALLED = `${TOOL},mcp_method_name="tools/call"`;
const SHOP = 'mcp_role="server",mcp_server="shop"';
const ESTIMATED = 'mcp_token_source="estimated"';

const SHOP_STATISTICS = `
mcp_operations_total{${CALLED},mcp_outcome="ok"} 7
mcp_operations_total{${CALLED},mcp_outcome="tool_error"} 2
mcp_operations_total{${CALLED},mcp_outcome="cancelled"} 1
mcp_operations_total{${CALLED},mcp_outcome="denied",rpc_response_status_code="403"} 90
mcp_operation_duration_milliseconds_bucket{${CALLED},error_type="denied",le="5"} 90
mcp_operation_duration_milliseconds_bucket{${CALLED},error_type="denied",le="10"} 90
mcp_operation_duration_milliseconds_bucket{${CALLED},error_type="denied",le="+Inf"} 90
mcp_operations_total{${SHOP},mcp_method_name="resources/list",mcp_outcome="denied",rpc_response_status_code="403"} 1
mcp_operation_duration_milliseconds_bucket{${CALLED},le="5"} 4
mcp_operation_duration_milliseconds_bucket{${CALLED},le="10"} 10
mcp_operation_duration_milliseconds_bucket{${CALLED},le="+Inf"} 10
mcp_payload_bytes_total{${CALLED},mcp_direction="client_to_server"} 1000
mcp_payload_bytes_total{${CALLED},mcp_direction="server_to_client"} 1048
mcp_tokens_total{${TOOL},mcp_token_kind="arguments",${ESTIMATED}} 60
mcp_tokens_total{${TOOL},mcp_token_kind="result",${ESTIMATED}} 1200
mcp_tokens_total{${TOOL},mcp_token_kind="structured",${ESTIMATED}} 1150
mcp_tokens_total{${TOOL},mcp_token_kind="sampling_request",${ESTIMATED}} 500
mcp_operations_total{${SHOP},mcp_method_name="prompts/get",gen_ai_prompt_name="sum",mcp_outcome="ok"} 3
mcp_tokens_total{${SHOP},mcp_token_kind="prompt",${ESTIMATED}} 21
mcp_operations_total{${SHOP},mcp_method_name="resources/read",mcp_outcome="ok"} 1
mcp_tokens_total{${SHOP},mcp_token_kind="resource",${ESTIMATED}} 8
mcp_operations_total{${SHOP},mcp_method_name="tools/list",mcp_outcome="ok"} 4
mcp_tokens_total{${SHOP},mcp_token_kind="definitions",${ESTIMATED}} 1577
mcp_definition_tokens{${SHOP},mcp_method_name="tools/list"} 350
mcp_definition_tokens{${SHOP},mcp_method_name="prompts/list"} 38
mcp_sessions_active{${SHOP},mcp_session_kind="streamable",mcp_session_state="idle"} 1
mcp_sessions_active{${SHOP},mcp_session_kind="streamable",mcp_session_state="calling"} 0
mcp_sessions_active{${SHOP},mcp_session_kind="streamable",mcp_session_state="waiting_for_client"} 1
mcp_sessions_active{${SHOP},mcp_session_kind="window",mcp_session_state="calling"} 1
mcp_sessions_started_total{${SHOP},mcp_session_kind="streamable"} 3
mcp_sessions_adopted_total{${SHOP},mcp_session_kind="streamable"} 1
mcp_sessions_ended_total{${SHOP},mcp_session_kind="streamable"} 2
`;
const OTHER_STATISTICS = `
mcp_operations_total{mcp_role="server",mcp_server="bank",mcp_method_name="ping",mcp_outcome="ok"} 1
mcp_sessions_started_total{mcp_role="server",mcp_server="bank",mcp_session_kind="window"} 1
`;
/** The samples of several Envoys' expositions. */
const samplesOf = (...expositions: string[]): Sample[] => expositions.flatMap((text) => readSamples(text, "mcp_"));
const STATISTICS = samplesOf(SHOP_STATISTICS, OTHER_STATISTICS);

// eslint-disable-next-line no-control-regex
const plain = (text: string) => text.replaceAll(/\x1b\[\d+m/g, "");

describe("rows", () => {
  const rows = readRows(STATISTICS);
  const row = (method: string) => rows.find((each) => each.server === "shop" && each.method === method);

  test("by server the tools, then the other methods", () => {
    expect(rows.map(({ server, method, tool }) => [server, method, tool].join(" "))).toEqual([
      "bank ping ",
      "shop tools/call get_weather",
      "shop prompts/get ",
      "shop resources/read ",
      "shop tools/list ",
    ]);
  });

  test("a tool's tokens are what the model read and what it wrote", () => {
    expect(row("tools/call")).toMatchObject({
      calls: 10,
      errors: 2,
      cancelled: 1,
      tokensIn: 1200,
      tokensOut: 60,
      bytes: 2048,
    });
  });

  test("prompts and resources have tokens too, lists do not", () => {
    expect(row("prompts/get")).toMatchObject({ calls: 3, tokensIn: 21, tokensOut: 0 });
    expect(row("resources/read")).toMatchObject({ calls: 1, tokensIn: 8, tokensOut: 0 });
    expect(row("tools/list")).toMatchObject({ calls: 4, tokensIn: 0, tokensOut: 0 });
  });
});

test("totals by server", () => {
  expect(Object.fromEntries(readServers(STATISTICS))).toEqual({
    shop: {
      sessionsActive: 3,
      sessionsByState: { idle: 1, calling: 1, waiting_for_client: 1 },
      sessionsSeen: 4,
      tokens: 3366,
      definitionTokens: 388,
    },
    bank: { sessionsActive: 0, sessionsByState: {}, sessionsSeen: 1, tokens: 0, definitionTokens: 0 },
  });
});

describe("the table", () => {
  const table = (columns: number) =>
    // eslint-disable-next-line no-control-regex
    renderTable(readRows(STATISTICS), readServers(STATISTICS), columns).replaceAll(/\x1b\[\d+m/g, "");

  test.each([
    [140, "(1 waiting for the client, 1 calling), 842 tokens a session, 388 tokens of definitions"],
    [110, "(1 waiting for the client, 1 calling), 842 tokens a session"],
    [80, "(1 waiting for the client, 1 calling)"],
  ])("in %i characters, says of a server: %s", (columns, text) => {
    expect(table(columns).split("\n")).toContain(`shop  3 of 4 sessions active ${text}`);
  });

  test("has tokens of each tool and of a session, and what sessions are about", () => {
    expect(`\n${table(110)}\n`).toMatchInlineSnapshot(`
      "
                                     calls errors cancelled     p50     p95     p99 tokens in tokens out      bytes
      bank  0 of 1 sessions active
        ping                             1      0         0       –       –       –         –          –        0 B
      shop  3 of 4 sessions active (1 waiting for the client, 1 calling), 842 tokens a session
        get_weather                     10      2         1 ~5.8 ms  ≤10 ms  ≤10 ms      1.2k         60    2.0 KiB
        prompts/get                      3      0         0       –       –       –        21          –        0 B
        resources/read                   1      0         0       –       –       –         8          –        0 B
        tools/list                       4      0         0       –       –       –         –          –        0 B
      ~ interpolated   ≤ at most: too few calls
      "
    `);
  });

  test.each([200, 120, 110, 97, 96, 89, 80])("is at most %i characters wide", (columns) => {
    const widths = table(columns)
      .split("\n")
      .map(({ length }) => length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
  });

  test.each([
    [97, ["p50", "p95", "p99", "bytes"]],
    [96, ["p50", "p99", "bytes"]],
    [80, ["p50", "p99"]],
  ])("where there are %i characters, some columns are spared: what is left is %o", (columns, left) => {
    const [head] = table(columns).split("\n");
    expect(["p50", "p95", "p99", "bytes"].filter((title) => head.includes(` ${title}`))).toEqual(left);
    expect(head).toMatch(/ calls +errors +cancelled .* tokens in +tokens out/);
  });

  test("explains what tools share that have no label value of their own", () => {
    const counted = (labels: string) => `mcp_operations_total{${SHOP},${labels},mcp_outcome="ok"} 1`;
    const unnamed = [
      counted('mcp_method_name="tools/call",gen_ai_tool_name="_OTHER"'),
      counted('mcp_method_name="tools/call",gen_ai_tool_name="%5FOTHER"'),
      counted('mcp_method_name="_OTHER"'),
    ].join("\n");
    const lines = plain(renderTable(readRows(samplesOf(unnamed)), new Map(), 80)).split("\n");
    expect(lines.slice(2, 5).map((line) => line.slice(0, 16).trim())).toEqual([
      "_OTHER",
      "other tools",
      "other methods",
    ]);
    expect(lines.at(-1)).toBe("other tools: see docs/metrics.md#which-names-become-labels");
  });

  describe("percentiles", () => {
    /** The cells of p50, p95 and p99 of a tool whose calls these buckets hold, and the legend. */
    const shownOf = (buckets: [le: string, count: number][]) => {
      const lines = [
        `mcp_operations_total{${CALLED},mcp_outcome="ok"} 1`,
        ...buckets.map(([le, count]) => `mcp_operation_duration_milliseconds_bucket{${CALLED},le="${le}"} ${count}`),
      ];
      const table = plain(renderTable(readRows(samplesOf(lines.join("\n"))), new Map(), 110)).split("\n");
      const [, , row, legend = ""] = table;
      return [row.match(/[~≤>][\d.]+ m?s/g), legend];
    };

    test.each<[what: string, buckets: [le: string, count: number][], shown: string[]]>([
      [
        "two calls",
        [
          ["5", 0],
          ["10", 2],
          ["+Inf", 2],
        ],
        ["≤10 ms", "≤10 ms", "≤10 ms"],
      ],
      [
        "nine calls",
        [
          ["10", 8],
          ["500", 9],
          ["+Inf", 9],
        ],
        ["≤10 ms", "≤500 ms", "≤500 ms"],
      ],
      [
        "ten calls",
        [
          ["10", 10],
          ["+Inf", 10],
        ],
        ["~5.0 ms", "≤10 ms", "≤10 ms"],
      ],
      [
        "twenty calls",
        [
          ["10", 20],
          ["+Inf", 20],
        ],
        ["~5.0 ms", "~9.5 ms", "≤10 ms"],
      ],
      [
        "a hundred calls",
        [
          ["10", 99],
          ["500", 100],
          ["+Inf", 100],
        ],
        ["~5.1 ms", "~9.6 ms", "~10 ms"],
      ],
      [
        "calls longer than all buckets",
        [
          ["300000", 1],
          ["+Inf", 100],
        ],
        [">300 s", ">300 s", ">300 s"],
      ],
      [
        "a long one",
        [
          ["120000", 0],
          ["300000", 100],
          ["+Inf", 100],
        ],
        ["~210 s", "~291 s", "~298 s"],
      ],
    ])("of %s", (_what, buckets, shown) => {
      expect(shownOf(buckets)[0]).toEqual(shown);
    });

    test("have a legend for the marks that there are", () => {
      expect(
        shownOf([
          ["10", 10],
          ["+Inf", 10],
        ])[1],
      ).toBe("~ interpolated   ≤ at most: too few calls");
      expect(
        shownOf([
          ["10", 1],
          ["+Inf", 100],
        ])[1],
      ).toBe("> beyond all buckets");
      expect(shownOf([])[1]).toBe("");
    });
  });

  test("without traffic is a sentence", () => {
    expect(renderTable([], new Map(), 80)).toBe("No MCP traffic yet.");
  });
});

describe("denials", () => {
  const DECIDED = `${SHOP},mcp_method_name="tools/call"`;
  const DENIED = 'mcp_access_action="deny",mcp_access_mode="enforce"';
  const denials = readDenials(
    samplesOf(
      `
mcp_access_decisions_total{${DECIDED},gen_ai_tool_name="drop",mcp_access_rule="no-drops",${DENIED}} 2
mcp_access_decisions_total{${DECIDED},gen_ai_tool_name="get",mcp_access_rule="all",mcp_access_action="allow",mcp_access_mode="enforce"} 9
mcp_access_decisions_total{${SHOP},mcp_method_name="initialize",mcp_access_rule="_closed",${DENIED}} 100
mcp_access_decisions_total{${SHOP},mcp_access_rule="_refused",${DENIED}} 1
`,
      `
mcp_access_decisions_total{${DECIDED},gen_ai_tool_name="drop",mcp_access_rule="no-drops",${DENIED}} 3
mcp_access_decisions_total{mcp_role="server",mcp_server="bank",mcp_method_name="ping",mcp_access_rule="x",mcp_access_action="deny",mcp_access_mode="shadow"} 4
`,
    ),
  );

  test("are shown by server with their rules, and names that are no rule's are explained", () => {
    expect(`\n${plain(renderDenials(denials))}\n`).toMatchInlineSnapshot(`
      "
      denied
          4  bank  ping  by x in shadow mode: not denied
        100  shop  initialize  by _closed
          5  shop  drop  by no-drops
          1  shop  a request  by _refused
        _refused: the request cannot be decided; the log names the reason
        _closed: there is no valid policy, so all MCP is denied
      "
    `);
  });

  test("are as many lines as there is room for", () => {
    expect(plain(renderDenials(denials, 2)).split("\n").slice(2)).toEqual([
      expect.stringMatching(/by _closed$/),
      "  and 2 more",
      "  _closed: there is no valid policy, so all MCP is denied",
    ]);
  });

  test("are nothing where there are none", () => {
    expect(renderDenials(readDenials(STATISTICS))).toBe("");
  });
});

describe("limits", () => {
  const LIMITED = 'mcp_outcome="limited",rpc_response_status_code="429"';
  const decided = (server: string, rule: string, decision: string) =>
    `mcp_limit_decisions_total{mcp_role="server",mcp_server="${server}",mcp_limit_rule="${rule}",mcp_limit_decision="${decision}"}`;
  const samples = samplesOf(
    `
${decided("shop", "loops", "admitted")} 60
${decided("shop", "loops", "queued")} 30
${decided("shop", "loops", "limited")} 40
${decided("shop", "tried", "admitted")} 90
${decided("shop", "tried", "shadow_limited")} 10
${decided("shop", "wide", "admitted")} 100
mcp_operations_total{${CALLED},mcp_outcome="ok",mcp_caller="polite"} 60
mcp_operations_total{${CALLED},${LIMITED},mcp_caller="my%20loop"} 130
mcp_operations_total{${SHOP},mcp_method_name="tools/call",gen_ai_tool_name="pay",${LIMITED},mcp_caller="a"} 4
mcp_operations_total{${SHOP},mcp_method_name="prompts/get",${LIMITED},mcp_caller="b"} 3
mcp_operations_total{${SHOP},mcp_method_name="prompts/get",${LIMITED},mcp_caller="c"} 2
mcp_operations_total{${SHOP},mcp_method_name="prompts/get",${LIMITED},mcp_caller="d"} 1
mcp_operation_duration_milliseconds_bucket{${CALLED},le="10"} 60
mcp_operation_duration_milliseconds_bucket{${CALLED},le="+Inf"} 60
mcp_operation_duration_milliseconds_bucket{${CALLED},error_type="limited",le="10"} 130
mcp_operation_duration_milliseconds_bucket{${CALLED},error_type="limited",le="+Inf"} 130
`,
    `
${decided("shop", "loops", "limited")} 100
${decided("bank", "calls", "limited")} 7
`,
  );
  const limits = readLimits(samples);
  const table = (columns: number) => plain(renderTable(readRows(samples), new Map(), columns));

  test("are shown by server with their rules and callers", () => {
    expect(`\n${plain(renderLimits(limits, readLimitedCallers(samples)))}\n`).toMatchInlineSnapshot(`
      "
      limited
            7 of 7  bank  by calls
        140 of 200  shop  by loops
         10 of 100  shop  by tried in shadow mode: not limited
        callers of shop: my loop 130, a 4, b 3, 2 more
      "
    `);
  });

  test("are as many lines as there is room for", () => {
    expect(
      plain(renderLimits(limits, [], 2))
        .split("\n")
        .slice(1),
    ).toEqual([expect.stringMatching(/by calls$/), expect.stringMatching(/by loops$/), "  and 1 more"]);
  });

  test("are nothing where nothing was limited", () => {
    expect(renderLimits(readLimits(STATISTICS), readLimitedCallers(STATISTICS))).toBe("");
  });

  test("are counted beside the calls of their tools, and make no tool look fast", () => {
    expect(`\n${table(110)}\n`).toMatchInlineSnapshot(`
      "
                             calls errors cancelled limited     p50     p95     p99 tokens in tokens out      bytes
      shop
        get_weather             60      0         0     130 ~5.0 ms ~9.5 ms  ≤10 ms         –          –        0 B
        pay                      0      0         0       4       –       –       –         –          –        0 B
        prompts/get              0      0         0       6       –       –       –         –          –        0 B
      ~ interpolated   ≤ at most: too few calls
      "
    `);
  });

  test.each([200, 120, 105, 104, 97, 96, 86, 85, 80])("leave the table at most %i characters wide", (columns) => {
    const widths = table(columns)
      .split("\n")
      .map(({ length }) => length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
  });

  test.each([
    [105, ["limited", "p50", "p95", "p99", "bytes"]],
    [104, ["limited", "p50", "p99", "bytes"]],
    [86, ["limited", "p50", "p99"]],
    [85, ["p50", "p99"]],
  ])("where there are %i characters, some columns are spared: what is left is %o", (columns, left) => {
    const [head] = table(columns).split("\n");
    expect(["limited", "p50", "p95", "p99", "bytes"].filter((title) => head.includes(` ${title}`))).toEqual(left);
  });
});

describe("queues", () => {
  const labels = (server: string, rule: string) => `mcp_role="server",mcp_server="${server}",mcp_limit_rule="${rule}"`;
  const queued = (server: string, rule: string, count: number) =>
    `mcp_limit_decisions_total{${labels(server, rule)},mcp_limit_decision="queued"} ${count}\n`;
  const waiting = (server: string, rule: string, count: number) =>
    `mcp_limit_queue_length{${labels(server, rule)}} ${count}\n`;
  const waits = (server: string, rule: string, counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([le, count]) => `mcp_limit_wait_milliseconds_bucket{${labels(server, rule)},le="${le}"} ${count}\n`)
      .join("");
  const queues = readQueues(
    samplesOf(
      queued("shop", "searches", 300) +
        waiting("shop", "searches", 7) +
        waits("shop", "searches", { 100: 100, 200: 200, "+Inf": 200 }) +
        queued("shop", "rare", 3) +
        waiting("shop", "rare", 0) +
        waits("shop", "rare", { 100: 0, 200: 3, "+Inf": 3 }) +
        `mcp_limit_decisions_total{${labels("shop", "calls")},mcp_limit_decision="admitted"} 100\n`,
      queued("shop", "searches", 100) + waiting("shop", "searches", 5) + queued("bank", "calls", 1),
    ),
  );

  test("are shown by server and rule: what waits, what has waited, and how long", () => {
    expect(`\n${plain(renderQueues(queues))}\n`).toMatchInlineSnapshot(`
      "
      queues
        waiting  queued  p95 wait
              0       1         –  bank  for calls
             12     400   ~190 ms  shop  for searches
              0       3   ≤200 ms  shop  for rare
      "
    `);
  });

  test("are as many lines as there is room for", () => {
    expect(plain(renderQueues(queues, 2)).split("\n").slice(2)).toEqual([
      expect.stringMatching(/for calls$/),
      expect.stringMatching(/for searches$/),
      "  and 1 more",
    ]);
  });

  test("are nothing where nothing has waited", () => {
    expect(renderQueues(readQueues(STATISTICS))).toBe("");
  });
});

describe("problems", () => {
  const NONE = { errors: [], warnings: [], upstreams: [] };

  test("are nothing where there are none", () => {
    expect(renderProblems(NONE, readInvalid(samplesOf("mcp_configuration_invalid 0")))).toBe("");
  });

  test("the gauge alone is one, before the log has named the reason", () => {
    const invalid = readInvalid(samplesOf("mcp_configuration_invalid 1", "mcp_configuration_invalid 1"));
    expect(plain(renderProblems(NONE, invalid))).toMatch(/invalid and not in force: mcp_configuration_invalid 2$/);
  });
});

test.each([
  [formatTokens(0), "–"],
  [formatTokens(999), "999"],
  [formatTokens(1000), "1.0k"],
  [formatTokens(123_456), "123.5k"],
  [formatTokens(3_400_000), "3.4M"],
  [formatTokens(5e13), "50000.0G"],
  [formatBytes(0), "0 B"],
  [formatBytes(1023), "1023 B"],
  [formatBytes(1536), "1.5 KiB"],
  [formatBytes(2 ** 60), "1048576.0 TiB"],
  [formatDuration(undefined), "–"],
  [formatDuration(7.5), "7.5 ms"],
  [formatDuration(999), "999 ms"],
  [formatDuration(1800), "1.8 s"],
  [formatDuration(120_400), "120 s"],
])("numbers: %s", (shown, expected) => expect(shown).toBe(expected));
