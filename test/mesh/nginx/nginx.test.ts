/** envoy/nginx/nginx.conf in Debian's NGINX, without the directives of ngx_wasm_module, which it lacks. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectClient } from "../../../scripts/demo/client.ts";
import { startFixtureServer } from "../../../scripts/demo/servers/fixture-server.ts";
import { dispatcherOf, fetchBy } from "../../access/tls-client.ts";
import { hasComponent } from "../../components.ts";
import { endsAfterAll } from "../../envoy/cleanup.ts";
import { freePort } from "../../envoy/sessions/free-port.ts";
import { parseConf, wasmFaults, withoutWasm } from "../../host/nginx/conf.ts";
import { readShipped } from "../shipped.ts";
import { INSTALL_NGINX, type Nginx, startNginx } from "../sidecar/nginx.ts";

const CONF = readShipped("nginx/nginx.conf");
const SUBJECT = "CN=agent-1,O=Example";

describe("the directives of ngx_wasm_module", () => {
  it("are as its documentation describes them", () => {
    expect(wasmFaults(parseConf(CONF))).toEqual([]);
  });

  it.each([
    ["shm_kv * 64m", "shm_kv 64m", "shm_kv"],
    ["slab_size 64m", "slab_size 64x", "slab_size"],
    ["slab_size 64m", "slabsize 64m", "slabsize"],
    ["    metrics {", "    metric {", "metric"],
    ["module mcp", "module a:b", "module"],
    ["worker_processes auto;", "proxy_wasm mcp;", "proxy_wasm"],
  ])("%s cannot be %s", (right, wrong, name) => {
    expect(wasmFaults(parseConf(CONF.replace(right, wrong)))).toContain(name);
  });
});

describe.runIf(hasComponent("nginx", INSTALL_NGINX))("the rest of nginx.conf, in NGINX", () => {
  const keep = endsAfterAll();
  const folder = mkdtempSync(join(tmpdir(), "mcp-nginx-wasm-"));
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  let nginx: Nginx;
  let url: string;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The configuration with this folder instead of the system's, and these ports. */
  const placed = (port: number, server: number) =>
    CONF.replaceAll("/etc/mcp", folder)
      .replaceAll("/var/log/nginx", folder)
      .replace("listen 8443", `listen 127.0.0.1:${port}`)
      .replace("127.0.0.1:3001", `127.0.0.1:${server}`);

  /** The lines of the error log, without the system's refusal to raise the number of open files. */
  const complaints = () =>
    nginx
      .log()
      .split("\n")
      .filter((line) => /\[(warn|error|alert|emerg)\]/.test(line) && !line.includes("setrlimit(RLIMIT_NOFILE"));

  /** The requests of a caller with a certificate, or of one without. */
  const callerOf = (name?: string) => {
    const identity = name && { cert: read(`tls/${name}.crt`), key: read(`tls/${name}.key`) };
    return keepDispatcher(dispatcherOf(read("tls/ca.crt"), identity || undefined));
  };
  const keepDispatcher = (dispatcher: ReturnType<typeof dispatcherOf>) => {
    keep({ close: async () => dispatcher.destroy() });
    return fetchBy(dispatcher);
  };

  /** The lines of the access log, oldest first. */
  const logged = () =>
    read("mcp.log")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);

  beforeAll(async () => {
    mkdirSync(join(folder, "tls"));
    const block = [...readShipped("nginx/README.md").matchAll(/^```sh\n(.*?)^```$/gms)].find(([, text]) => {
      return text.includes("openssl req");
    })![1];
    const commands = block.replaceAll("/etc/mcp", folder).replaceAll("/var/log/nginx", folder);
    execFileSync("/bin/sh", ["-ec", commands], { stdio: ["ignore", "ignore", "pipe"] });
    const server = keep(await startFixtureServer());
    const port = await freePort();
    nginx = keep(await startNginx(withoutWasm(placed(port, server.port)), port));
    url = `https://127.0.0.1:${port}/mcp`;
  });

  it("knows no directive of ngx_wasm_module, and has no complaint about the others", () => {
    expect(() => checkConf(placed(1, 1))).toThrow('unknown directive "wasm"');
    expect(complaints()).toEqual([]);
  });

  it("passes an official client's calls on, and logs the subject that the policy names", async () => {
    const client = await connectClient("sdk1", url, "agent-1", callerOf("agent-1"));
    await client.callTool("get_weather", { city: "Oslo" });
    await client.close();
    await expect.poll(() => logged().length).toBeGreaterThan(2);
    for (const line of logged()) expect(line).toMatchObject({ path: "/mcp", mcp_caller: SUBJECT, mcp_method: "" });
    expect(CONF).toContain(`["x509://${SUBJECT}"]`);
  });

  it("refuses callers without a certificate of the authority, and logs them", async () => {
    const response = await callerOf()(url, { method: "POST", body: "{}" });
    expect(response.status).toBe(400);
    await expect.poll(() => logged().at(-1)).toMatchObject({ status: "400", mcp_caller: "", mcp_rule: "" });
  });

  it.each(["/", "/mcp/", "/mcp2", "/MCP", "/mcp%2Fx", "/x%2F..%2Fother"])(
    "lets no path %s reach the server",
    async (path) => {
      const response = await callerOf("agent-1")(url.replace("/mcp", path), { method: "POST", body: "{}" });
      expect(response.status).toBe(404);
      expect(response.headers.get("content-type")).toBe("text/html");
    },
  );

  it("refuses messages that are larger than its buffer", async () => {
    const send = async (size: number) => {
      const response = await callerOf("agent-1")(url, { method: "POST", body: " ".repeat(size) });
      return response.status;
    };
    expect(await send(512 * 1024)).not.toBe(413);
    expect(await send(512 * 1024 + 1)).toBe(413);
  });

  it("logs no warning about these requests, also about variables without a value", async () => {
    const expected = expect.stringContaining("client intended to send too large body") as string;
    await expect.poll(complaints).toEqual([expected]);
  });

  it("accepts no argument of more than 4 KiB, as the README says", () => {
    const withArgument = (size: number) =>
      withoutWasm(CONF.replaceAll("/etc/mcp", folder).replaceAll("/var/log/nginx", folder)).replace(
        'set $mcp_limit "";',
        `set $mcp_limit '${"x".repeat(size)}';`,
      );
    expect(() => checkConf(withArgument(4000))).not.toThrow();
    expect(() => checkConf(withArgument(4200))).toThrow("too long parameter");
  });

  /** Runs `nginx -t`. Throws with NGINX's reason. */
  function checkConf(text: string): void {
    const file = join(folder, "check.conf");
    execFileSync("/bin/sh", ["-c", `cat > ${file}`], { input: text });
    execFileSync("nginx", ["-t", "-c", file, "-e", "stderr", "-g", `pid ${folder}/check.pid;`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
  }
});
