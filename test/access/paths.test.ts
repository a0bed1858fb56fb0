/**
 * Servers that read paths in different ways behind a real Envoy, with the shipped configuration and without any
 * normalization: no call that the policy denies is executed under any path.
 */
import { connect } from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { hasComponent } from "../components.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { INSTALL_GO } from "../fixtures/go.ts";
import {
  type PathServers,
  startGoServers,
  startJavaServers,
  startNginx,
  startNodeServers,
  startPythonServers,
} from "../fixtures/paths/servers.ts";
import { hasPython } from "../fixtures/python.ts";
import { ALLOWED, call, FORBIDDEN } from "./attack-list.ts";
import { ATTACK_PATHS, OTHER_PATHS } from "./attack-paths.ts";
import { type GuardedEnvoy, startGuarded } from "./proxy.ts";
import { head } from "./socket.ts";

const POLICY = {
  defaultAction: "ALLOW",
  rules: [{ name: "no-charges", action: "DENY", to: [{ operation: { tools: [FORBIDDEN] } }] }],
};

/** The path settings of each connection manager. */
const MANAGERS = {
  shipped: {},
  bare: { normalize_path: false, merge_slashes: false, path_with_escaped_slashes_action: "KEEP_UNCHANGED" },
};
type Route = keyof typeof MANAGERS;
const ROUTES = Object.keys(MANAGERS) as Route[];

/** Number of concurrent connections. */
const PARALLEL = 16;
/** A server that sends nothing for this time has nothing to send. */
const SILENCE_MS = 10_000;
const isFull = effort(0, 1) === 1;

const keep = endsAfterAll();
const groups: PathServers[] = [];
const ports: Record<string, number> = {};
let envoy: GuardedEnvoy;

beforeAll(async () => {
  const node = await startNodeServers();
  groups.push(keep(node));
  if (hasComponent("go", INSTALL_GO)) groups.push(keep(await startGoServers()));
  if ((await hasPython()) || hasComponent("Python 3.10 with venv", "apt-get install python3-venv"))
    groups.push(keep(await startPythonServers()));
  if (isFull && hasComponent("java", "apt-get install default-jdk-headless"))
    groups.push(keep(await startJavaServers()));
  if (isFull && hasComponent("nginx", "apt-get install nginx")) groups.push(keep(await startNginx(node.ports)));
  for (const group of groups) Object.assign(ports, group.ports);
  // No request reaches its path.
  delete ports.sink;
  const listeners = Object.entries(ports).flatMap(([name, upstreamPort]) =>
    ROUTES.map((route) => [`${route}: ${name}`, { access: POLICY, manager: MANAGERS[route], upstreamPort }] as const),
  );
  const upstream = { host: "127.0.0.1", port: ports.Node };
  envoy = keep(await startGuarded(Object.fromEntries(listeners), { upstream, concurrency: 2 }));
});

let marks = 0;

interface Attempt {
  readonly server: string;
  readonly path: string;
  readonly mark: string;
  answer: string;
}

/**
 * Sends a call of the tool to each path of each server: through Envoy by this route, or directly. Resolves once every
 * server has reported what it executed.
 */
async function callAll(tool: string, paths: readonly string[], route?: Route): Promise<Attempt[]> {
  const attempts = Object.keys(ports).flatMap((server) =>
    paths.map((path): Attempt => ({ server, path, mark: `mark-${++marks}-end`, answer: "" })),
  );
  const urlOf = (server: string) =>
    route === undefined ? `http://127.0.0.1:${ports[server]}` : envoy.urlOf(`${route}: ${server}`);
  const waiting = [...attempts];
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      next.answer = await post(urlOf(next.server), next.path, call(tool, next.mark));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  for (const server of Object.keys(ports)) await settle(server);
  return attempts;
}

/** Waits until a server has reported the last call, and therefore all earlier ones. */
async function settle(server: string): Promise<void> {
  const mark = `mark-${++marks}-end`;
  await post(`http://127.0.0.1:${ports[server]}`, "/mcp", call(ALLOWED, mark));
  await expect.poll(() => executed(mark).length, { timeout: SILENCE_MS }).toBeGreaterThan(0);
}

/** The readings of its path under which the call with this mark was executed. */
function executed(mark: string): string[] {
  return groups.flatMap((group) => group.executed(mark));
}

/** Posts to a target without normalizing it. Resolves to the response: up to its stated length, or to its end. */
function post(url: string, target: string, body: string, type = "application/json"): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    const end = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString("latin1"));
    };
    socket.setTimeout(SILENCE_MS, end).on("error", end).on("close", end);
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      const answer = Buffer.concat(chunks).toString("latin1");
      const length = /^content-length: (\d+)\r$/im.exec(answer)?.[1];
      const from = answer.indexOf("\r\n\r\n") + 4;
      if (from > 3 && length !== undefined && answer.length >= from + Number(length)) end();
    });
    const headers = { accept: mcp.LEGACY.accept, "content-type": type, "content-length": String(body.length) };
    socket.write(head(headers, `POST ${target} HTTP/1.1`) + body);
  });
}

const statusOf = ({ answer }: Attempt) => Number(/^HTTP\/1\.[01] (\d+)/.exec(answer)?.[1]);

describe.each(ROUTES)("behind Envoy, %s", (route) => {
  test("no server executes a call that the policy denies, whatever its path", async () => {
    const attempts = await callAll(FORBIDDEN, ["/mcp", ...ATTACK_PATHS], route);
    const found = attempts.flatMap(({ server, path, mark }) => {
      const readings = executed(mark);
      return readings.length === 0 ? [] : [`${path} by ${server} (${readings.join(", ")})`];
    });
    expect(found).toEqual([]);
    if (route === "shipped") return;
    // Each was answered by the policy, or by Envoy itself because the path is invalid.
    const passed = attempts.filter((attempt) => !attempt.answer.includes('"code":403') && statusOf(attempt) !== 400);
    expect(passed.map(({ server, path }) => `${path} to ${server}`)).toEqual([]);
  });

  test("every server executes a call that the policy allows", async () => {
    const attempts = await callAll(ALLOWED, ["/mcp"], route);
    for (const { server, mark } of attempts) expect(executed(mark), server).not.toEqual([]);
  });

  test("other paths pass, whatever is posted there", async () => {
    for (const path of OTHER_PATHS) {
      const answer = await post(envoy.urlOf(`${route}: Node`), path, "a file", "application/octet-stream");
      // The Node server answers everything with 200. Envoy's own 400 is for escaped slashes.
      expect(answer, path).toContain("HTTP/1.1 200 OK");
      expect(answer, path).not.toContain("access policy");
    }
  });
});

test("the attacks are real: without Envoy, each is read as /mcp by some server", async () => {
  const attempts = await callAll(FORBIDDEN, ATTACK_PATHS);
  const read = new Set(attempts.filter(({ mark }) => executed(mark).length > 0).map(({ path }) => path));
  expect(ATTACK_PATHS.filter((path) => !read.has(path))).toEqual([]);
  for (const server of Object.keys(ports)) {
    const own = attempts.filter((attempt) => attempt.server === server && executed(attempt.mark).length > 0);
    expect(own.length, server).toBeGreaterThan(0);
  }
});
