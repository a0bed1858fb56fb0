/**
 * Clients whose calls a policy denies or a limit rejects: the call fails at once with the reason, and the session
 * continues. docs/clients.md shows how each client treats each form of answer. With MCP_WRITE_TABLES=1 the test writes
 * the page's table instead of comparing it.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import {
  availableRows,
  payVisits,
  type Row,
  ROWS,
  type Seen,
  type ToolCall,
  type Visit,
  visitOf,
  type VisitReport,
} from "../fixtures/clients/visits.ts";
import { prepareInspector, runInspector } from "../fixtures/inspector.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { createProtocolServer } from "../../scripts/demo/servers/protocol.ts";
import { startSseServer } from "../fixtures/servers/sse-server.ts";
import { TOOL_DEFINITIONS } from "../../scripts/demo/servers/tools.ts";
import { expectTable } from "../tables.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "./proxy.ts";

const INSTALL_MS = 600_000;
/** Much longer than a response takes, and much shorter than a client waits for a missing one. */
const AT_ONCE_MS = 5000;

const FORMS = ["error", "result", "status"] as const;
type Form = (typeof FORMS)[number];

const HOLDINGS = ["held", "default"] as const;
type Holding = (typeof HOLDINGS)[number];

const RULE = "no-payments";
const DENIED = ["charge_card", "refund_order"];
const LISTED = TOOL_DEFINITIONS.map(({ name }) => name).filter((name) => !DENIED.includes(name));

const WEATHER: ToolCall = { tool: "get_weather", args: { city: "Tromsø" } };
const CHARGE: ToolCall = { tool: "charge_card", args: {} };

/** For each form, one call is admitted and later ones get this form of answer. */
const LIMITED: Record<Form, ToolCall> = {
  error: { tool: "search_docs", args: { query: "x" } },
  result: { tool: "read_log", args: { bytes: 10 } },
  status: { tool: "draw_chart", args: { bytes: 10 } },
};

/** The paths of the server, with responses as events and as JSON. */
const PATHS = { sessions: ["/mcp", "/mcp-json"], "2026-07-28": ["/mcp"], "HTTP+SSE": ["/sse"] };

const RUN = await availableRows();

/** This version of Python's client loses its session on a status, as docs/access.md says. That is not a bug of ours. */
const isLost = ({ visitor, as }: Row, form: Form) => visitor === "mcp1" && as === "sessions" && form === "status";

/** Each request is held, with or without its headers. */
const holding = (name: Holding): Guarded => ({
  allowHeadersStop: name === "held",
  plugin: {
    match: { paths: ["/mcp", "/mcp-json", "/sse", "/message"] },
    hold: { headers: name === "held" },
  },
});

function denying(form: Form, name: Holding): Guarded {
  const rule = { name: RULE, action: "DENY", to: [{ operation: { tools: DENIED } }] };
  return { ...holding(name), access: { defaultAction: "ALLOW", denial: { form }, rules: [rule] } };
}

function limiting(instance: string, name: Holding): Guarded {
  const guarded = holding(name);
  const rules = FORMS.map((form) => ({
    name: `by-${form}`,
    key: [],
    to: [{ operation: { tools: [LIMITED[form].tool] } }],
    requests: { amount: 1, per: "1h" },
    denial: { form },
  }));
  return { ...guarded, plugin: { ...guarded.plugin, instance, limits: { rules } } };
}

const deniedBy = (form: Form, name: Holding) => `${form}-${name}`;
/** Each client has separate allowances. */
const limitedBy = ({ visitor }: Row) => `limited-${visitor}`;

/** A visit and its expected result. */
interface Case {
  row: Row;
  form: Form;
  holding: Holding;
  path: string;
  visit: Visit;
}

describe("clients", { timeout: INSTALL_MS }, () => {
  const keep = endsAfterAll();
  let envoy: GuardedEnvoy;
  let denied: Case[];
  let limited: Case[];
  /** The reports of each client. */
  const reports = new Map<Visit, VisitReport>();

  beforeAll(async () => {
    const upstream = keep(await startFixtureServer());
    const sse = keep(await startSseServer(() => createProtocolServer()));
    const listeners: Record<string, Guarded> = {};
    for (const name of HOLDINGS) {
      for (const form of FORMS) {
        listeners[deniedBy(form, name)] = denying(form, name);
        listeners[`${deniedBy(form, name)}-sse`] = { ...denying(form, name), upstreamPort: sse.port };
      }
    }
    RUN.filter(({ as }) => as === "HTTP+SSE").forEach((row, i) => {
      listeners[limitedBy(row)] = { ...limiting(limitedBy(row), HOLDINGS[i % 2]), upstreamPort: sse.port };
    });
    envoy = keep(await startGuarded(listeners, { upstream, concurrency: 2 }));
    denied = RUN.flatMap((row) =>
      FORMS.flatMap((form, i) =>
        PATHS[row.as].map((path, j) => {
          // Each holding is used for half of each client's cases.
          const name = HOLDINGS[(ROWS.indexOf(row) + i + j) % 2];
          const listener = row.as === "HTTP+SSE" ? `${deniedBy(form, name)}-sse` : deniedBy(form, name);
          const visit = visitOf(row, envoy.urlOf(listener), [WEATHER, CHARGE, WEATHER], path);
          return { row, form, holding: name, path, visit };
        }),
      ),
    );
    limited = RUN.filter(({ as }) => as === "HTTP+SSE").flatMap((row, i) =>
      FORMS.map((form) => {
        const calls = [LIMITED[form], LIMITED[form], WEATHER];
        const visit = visitOf(row, envoy.urlOf(limitedBy(row)), calls);
        return { row, form, holding: HOLDINGS[i % 2], path: "/sse", visit };
      }),
    );
    const cases = [...denied, ...limited];
    for (const visitor of new Set(RUN.map((row) => row.visitor))) {
      const visits = cases.filter(({ row }) => row.visitor === visitor).map(({ visit }) => visit);
      const paid = await payVisits(visitor, visits);
      visits.forEach((visit, i) => reports.set(visit, paid[i]));
    }
  }, INSTALL_MS);

  const casesOf = (cases: Case[], row: Row) => cases.filter((each) => each.row === row);
  const told = ({ form, holding: name, path, visit }: Case) => ({ form, holding: name, path, ...reports.get(visit)! });

  describe.each(RUN)("$client, $as", (row) => {
    it("list what they may call", () => {
      for (const each of casesOf(denied, row)) {
        const { tools, ...rest } = told(each);
        expect({ ...rest, tools }).toMatchObject({ tools: LISTED });
      }
    });

    it("fail at once where a call is denied, and go on", () => {
      for (const each of casesOf(denied, row)) {
        const seen = told(each);
        if (isLost(row, each.form)) continue;
        const [before, rejected, after] = seen.calls;
        expect({ ...seen, before }).toMatchObject({ before: { text: "Sunny in Tromsø", isError: false } });
        expect({ ...seen, text: rejected && textOf(rejected) }).toMatchObject({
          text: expect.stringMatching(/denied by the access policy/i) as string,
        });
        expect({ ...seen, isAtOnce: rejected!.ms < AT_ONCE_MS }).toMatchObject({ isAtOnce: true });
        expect({ ...seen, after }).toMatchObject({ after: { text: "Sunny in Tromsø", isError: false } });
      }
    });

    it.runIf(row.as === "HTTP+SSE")("fail at once where a call is limited, and go on", () => {
      for (const each of casesOf(limited, row)) {
        const seen = told(each);
        const [before, rejected, after] = seen.calls;
        expect({ ...seen, before }).toMatchObject({ before: { isError: false } });
        expect({ ...seen, text: rejected && textOf(rejected) }).toMatchObject({
          text: expect.stringMatching(/limited: |limit is reached/i) as string,
        });
        expect({ ...seen, isAtOnce: rejected!.ms < AT_ONCE_MS }).toMatchObject({ isAtOnce: true });
        expect({ ...seen, after }).toMatchObject({ after: { text: "Sunny in Tromsø", isError: false } });
      }
    });
  });

  it("docs/clients.md shows what they make of a denial", () => {
    const rows = RUN.map((row) => {
      const cells = FORMS.map((form) => {
        const described = casesOf(denied, row)
          .filter((each) => each.form === form)
          .map(({ visit }) => describeReport(reports.get(visit)!));
        // Denials are the same for all forms of server responses.
        return [...new Set(described)].join(" or ");
      });
      return [row.client, row.as, ...cells];
    });
    const header = ["client", "transport", ...FORMS.map((form) => `\`"${form}"\``)];
    expectTable("docs/clients.md", "denials", header, rows, RUN.length < ROWS.length);
  });
});

describe("the inspector's command line", { timeout: INSTALL_MS }, () => {
  const keep = endsAfterAll();
  let envoy: GuardedEnvoy;
  const transports = effort(["http"], ["http", "sse"]);
  const forms = effort<Form[]>(["error"], [...FORMS]);

  beforeAll(async () => {
    await prepareInspector();
    const upstream = keep(await startFixtureServer());
    const sse = keep(await startSseServer(() => createProtocolServer()));
    const listeners: Record<string, Guarded> = {};
    for (const form of forms) {
      const filtering = denying(form, "held");
      // The client looks up each tool in the list before it calls it.
      const passing = { ...filtering, access: { ...(filtering.access as object), lists: "pass" } };
      Object.assign(listeners, {
        [`${form}-filter-http`]: filtering,
        [`${form}-pass-http`]: passing,
        [`${form}-filter-sse`]: { ...filtering, upstreamPort: sse.port },
        [`${form}-pass-sse`]: { ...passing, upstreamPort: sse.port },
      });
    }
    envoy = keep(await startGuarded(listeners, { upstream }));
  }, INSTALL_MS);

  const run = (form: Form, lists: string, transport: string, ...args: string[]) => {
    const path = transport === "sse" ? "/sse" : "/mcp";
    return runInspector(`${envoy.urlOf(`${form}-${lists}-${transport}`)}${path}`, args, transport);
  };

  describe.each(transports)("%s", (transport) => {
    it.each(forms)("%s: lists what it may call, is denied and can call", async (form) => {
      const begun = performance.now();
      const [listed, hidden, denial, allowed] = await Promise.all([
        run(form, "filter", transport, "--method", "tools/list"),
        run(form, "filter", transport, "--method", "tools/call", "--tool-name", CHARGE.tool),
        run(form, "pass", transport, "--method", "tools/call", "--tool-name", CHARGE.tool),
        run(
          form,
          "filter",
          transport,
          "--method",
          "tools/call",
          "--tool-name",
          WEATHER.tool,
          "--tool-arg",
          "city=Oslo",
        ),
      ]);
      expect({ ...listed, code: listed.code }).toMatchObject({ code: 0 });
      const { tools } = JSON.parse(listed.output) as { tools: { name: string }[] };
      expect(tools.map(({ name }) => name)).toEqual(LISTED);
      expect(hidden.code).not.toBe(0);
      expect(hidden.output + hidden.errors).toContain(CHARGE.tool);
      expect(denial.code).not.toBe(0);
      expect(denial.output + denial.errors).toMatch(/denied by the access policy/i);
      expect(allowed).toMatchObject({ code: 0, output: expect.stringContaining("Sunny in Oslo") as string });
      expect(performance.now() - begun).toBeLessThan(2 * 20_000);
    });
  });
});

/** The text that a model or a person reads. */
function textOf(seen: Seen): string {
  return seen.raised === undefined ? seen.text : seen.message;
}

/** A cell of the table. */
function describeReport({ calls: [, rejected, after], ended }: VisitReport): string {
  const end = after !== null && after.raised === undefined && !after.isError ? "goes on" : "**loses the session**";
  if (rejected === null) return `ends with \`${ended}\`: ${end}`;
  if (rejected.raised === undefined) return `the model reads the text; ${end}`;
  const code = typeof rejected.code === "number" && rejected.code !== 0 ? ` with ${rejected.code}` : "";
  return `raises \`${rejected.raised}\`${code}; ${end}`;
}
