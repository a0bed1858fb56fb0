/**
 * Server requests to clients (sampling, elicitation) under a policy that denies some of them, with real clients. The
 * denied request reaches neither model nor user, the server gets an error or the call fails at once, and the session
 * continues. With MCP_WRITE_TABLES=1 the test writes the table of docs/clients.md instead of comparing it.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import {
  availableRows,
  payVisits,
  type Row,
  ROWS,
  type Seen,
  visitOf,
  type VisitReport,
} from "../fixtures/clients/visits.ts";
import { createAsking, startAskingServer } from "../fixtures/servers/asking-server.ts";
import { startSseServer } from "../fixtures/servers/sse-server.ts";
import { expectTable } from "../tables.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "./proxy.ts";

const INSTALL_MS = 600_000;
/** Much longer than a response takes, and much shorter than anybody waits for a missing one. */
const AT_ONCE_MS = 5000;

const POLICIES = {
  open: undefined,
  denied: {
    defaultAction: "ALLOW",
    rules: [
      {
        name: "no-model",
        action: "DENY",
        to: [{ operation: { direction: "server_to_client", methods: ["sampling/createMessage"] } }],
      },
    ],
  },
};

const [MODEL, USER] = ["sampling/createMessage", "elicitation/create"];
const ANSWERED = { isError: false, text: expect.stringMatching(/^answered /) as string };
const SUNNY = { isError: false, text: "Sunny" };
/** The text of the asking server after a client has answered with an error. */
const REFUSED = /^refused with (-\d+): /;

const RUN = await availableRows();

describe("a request of the server", { timeout: INSTALL_MS }, () => {
  const keep = endsAfterAll();
  let envoy: GuardedEnvoy;
  const cells: string[][] = [];

  beforeAll(async () => {
    const upstream = keep(await startAskingServer());
    const sse = keep(await startSseServer(createAsking));
    const listeners: Record<string, Guarded> = {};
    for (const [name, access] of Object.entries(POLICIES)) {
      const plugin = { instance: name, match: { paths: ["/mcp", "/modern", "/sse", "/message"] } };
      listeners[name] = { access, plugin };
      listeners[`${name}-sse`] = { access, plugin, upstreamPort: sse.port };
    }
    envoy = keep(await startGuarded(listeners, { upstream, concurrency: 2 }));
  }, INSTALL_MS);

  /** The reports of a client for these calls, without the policy and with it. */
  function pay(row: Row, tools: string[]): Promise<VisitReport[]> {
    const calls = tools.map((tool) => ({ tool, args: {} }));
    const visits = Object.keys(POLICIES).map((policy) => {
      const origin = envoy.urlOf(row.as === "HTTP+SSE" ? `${policy}-sse` : policy);
      return visitOf(row, origin, calls, row.as === "2026-07-28" ? "/modern" : "/mcp");
    });
    return payVisits(row.visitor, visits);
  }

  const legacy = RUN.filter(({ as }) => as !== "2026-07-28");
  it.each(legacy)("$client, $as: the client refuses what is denied, and nothing else", async (row) => {
    // On the call's stream, and on the one that belongs to no call.
    const [open, denied] = await pay(row, ["ask_model", "ask_model_aside", "ask_user", "get_weather"]);
    expect(open).toMatchObject({ asked: [MODEL, MODEL, USER], calls: [ANSWERED, ANSWERED, ANSWERED, SUNNY] });
    const refused = { isError: false, text: expect.stringMatching(REFUSED) as string };
    expect(denied).toMatchObject({ asked: [USER], calls: [refused, refused, ANSWERED, SUNNY] });
    expectAtOnce(denied);
    const codes = denied.calls.slice(0, 2).map((seen) => REFUSED.exec((seen as { text: string }).text)![1]);
    cells.push([row.client, row.as, `the server gets ${[...new Set(codes)].join(" or ")}; goes on`]);
  });

  const modern = RUN.filter(({ as }) => as === "2026-07-28");
  it.each(modern)("$client, $as: the call fails, and the client goes on", async (row) => {
    const [open, denied] = await pay(row, ["ask_model", "get_weather"]);
    expect(open).toMatchObject({ asked: [MODEL], calls: [ANSWERED, SUNNY] });
    const failed = {
      raised: expect.any(String) as string,
      message: expect.stringContaining("denied/by-policy") as string,
    };
    expect(denied).toMatchObject({ asked: [], calls: [failed, SUNNY] });
    expectAtOnce(denied);
    const { raised } = denied.calls[0] as Seen;
    cells.push([row.client, row.as, `the call raises \`${raised}\`; goes on`]);
  });

  it("docs/clients.md shows what they make of it", () => {
    const inOrder = RUN.map(({ client, as }) => cells.find((row) => row[0] === client && row[1] === as)!);
    const isPart = RUN.length < ROWS.length;
    expectTable(
      "docs/clients.md",
      "server-requests",
      ["client", "transport", "after a denied request"],
      inOrder,
      isPart,
    );
  });
});

function expectAtOnce({ calls }: VisitReport): void {
  expect(calls.filter((seen) => seen!.ms > AT_ONCE_MS)).toEqual([]);
}
