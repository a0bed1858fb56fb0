/** The inspector's command line sees through Envoy what it sees without it, and what it does is counted. */
import { beforeAll, describe, expect, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { prepareInspector, runInspector } from "../fixtures/inspector.ts";
import { type EverythingServer, startEverythingServer } from "../../scripts/demo/servers/everything.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { expectCounted } from "./counted.ts";

const INSTALL_MS = 300_000;
/** What each run begins with; if the server can log, its level is set. */
const HANDSHAKE = ["initialize ok", "client_to_server notifications/initialized"];
const LOGGING = [...HANDSHAKE, "logging/setLevel ok"];

const keep = endsAfterAll();
let fixture: FixtureServer;
let everything: EverythingServer;

beforeAll(async () => {
  await prepareInspector();
  fixture = keep(await startFixtureServer());
  everything = keep(await startEverythingServer());
}, INSTALL_MS);

const call = (tool: string, ...args: string[]) =>
  ["tools/call", `--tool-name ${tool}`, ...args.map((arg) => `--tool-arg ${arg}`)].join(" ");

/** The method and its arguments, the exit code, and what is counted beside the handshake. A tool is looked up first. */
const FIXTURE_RUNS: [args: string, code: number, counted: string[]][] = [
  ["tools/list", 0, ["tools/list ok"]],
  [call("get_weather", "city=Tromsø"), 0, ["tools/list ok", "tools/call get_weather ok"]],
  [call("charge_card", "declined=true"), 5, ["tools/list ok", "tools/call charge_card tool_error"]],
  [call("refund_order", "code=-32603"), 1, ["tools/list ok", "tools/call refund_order rpc_error -32603"]],
  [call("no_such_tool"), 5, ["tools/list ok"]],
  ["resources/read --uri demo://readme", 0, ["resources/read ok"]],
  ["resources/read --uri demo://nothing", 1, ["resources/read rpc_error -32602"]],
  ["prompts/get --prompt-name summarize --prompt-args topic=refunds", 0, ["prompts/get summarize ok"]],
];

const EVERYTHING_RUNS: typeof FIXTURE_RUNS = [
  [call("echo", "message=hello"), 0, ["tools/list ok", "tools/call echo ok"]],
  [call("get-sum", "a=1", "b=two"), 5, ["tools/list ok", "tools/call get-sum tool_error"]],
];

describe.each([
  { name: "our fixture server", server: () => fixture, begin: HANDSHAKE, runs: FIXTURE_RUNS },
  { name: "server-everything", server: () => everything, begin: LOGGING, runs: EVERYTHING_RUNS },
])("$name", ({ server, begin, runs }) => {
  it.each(runs)("%s", async (args, code, counted) => {
    const { host, port } = server();
    const envoy = await startEnvoy({ upstream: server() });
    try {
      const [direct, proxied] = await Promise.all(
        [`http://${host}:${port}/mcp`, `${envoy.proxyUrl}/mcp`].map((url) =>
          runInspector(url, ["--method", ...args.split(" ")]),
        ),
      );
      expect(direct.code).toBe(code);
      expect(proxied).toEqual(direct);
      await expectCounted(envoy, [...begin, ...counted]);
    } finally {
      await envoy.stop();
    }
  });
});
