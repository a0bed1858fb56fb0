/** How the READMEs apply files and remove them: the order of steps, and that nothing runs after a failed step. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { readMeshDocuments } from "./checks.ts";
import { readShipped } from "./shipped.ts";

const MESHES = ["istio", "kuma", "consul", "gateway", "linkerd", "emissary"];
/** Programs that only print that they would run, when a README's command runs them. */
const STEPS = ["kubectl", "kumactl", "helm", "consul", "install", "test"];

/** The blocks of commands that change something: those that pipe nothing into `grep`. */
function blocksOf(mesh: string): string[] {
  const blocks = [...readShipped(`${mesh}/README.md`).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text);
  return blocks.filter((text) => !text.includes("| grep"));
}

/** The steps that a block runs, as typed, if the step with this number fails; 0 for none. */
async function stepsOf(block: string, failing = 0): Promise<string[]> {
  const functions = STEPS.map((name) => `${name}() { step ${name} "$@"; }`);
  const step = `step() { echo "$*"; count=$((count + 1)); [ $count -ne ${failing} ]; }`;
  const script = ["count=0", step, ...functions, block].join("\n");
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", `${script}\ntrue`]);
  return stdout.split("\n").slice(0, -1);
}

/** For each README, parts of steps that must follow each other in one of its blocks, in order. */
const ORDERS: Record<string, string[][]> = {
  istio: [
    ["mesh-config.yaml", "rollout restart deployment", "rollout status deployment mcp-server", "sidecar-inbound.yaml"],
    ["apply -n NAMESPACE -f access.yaml", "delete wasmplugin mcp-server"],
    ["waypoint-patch.yaml", "rollout status deployment waypoint", "waypoint.yaml"],
    ["-f sidecar-inbound.yaml", "delete telemetry", "helm rollback"],
  ],
  kuma: [
    [
      "create configmap mcp-module",
      "apply -f container-patch.yaml",
      "deployment-patch.yaml",
      "rollout status deployment mcp-server",
      "inbound.kubernetes.yaml",
    ],
    ["/etc/mcp/mcp.wasm", "inbound.universal.yaml"],
    ["apply -f access.kubernetes.yaml", "delete meshproxypatch mcp-inbound"],
    [
      "delete -f inbound.kubernetes.yaml",
      "patch deployment mcp-server",
      "rollout status deployment mcp-server",
      "delete -f container-patch.yaml",
    ],
  ],
  consul: [
    ["service-defaults.hcl", "timeouts.hcl", "test -s /etc/mcp/mcp.wasm", "connect envoy"],
    ["test -s /etc/mcp/mcp.wasm", "config write access.hcl"],
    ["config delete -kind service-router", "config delete -kind service-defaults"],
  ],
  gateway: [
    ["apply -f envoy-proxy.yaml", "gateway-patch.yaml", "traffic-policy.yaml", "extension-policy.yaml"],
    ["create configmap mcp-module", "rollout restart", "rollout status", "apply -f patch-policy.yaml"],
    ["delete -f extension-policy.yaml", "patch gateway eg", "delete -f envoy-proxy.yaml"],
  ],
  linkerd: [
    [
      "create configmap mcp-module",
      "create configmap mcp-envoy",
      "apply -f policy.yaml",
      "apply -f server.yaml",
      "rollout status deployment mcp-server",
    ],
    ["delete configmap mcp-envoy", "create configmap mcp-envoy", "rollout restart", "rollout status"],
    ["delete -f server.yaml", "delete -f policy.yaml", "delete configmap"],
  ],
  emissary: [
    [
      "create configmap mcp-module",
      "create configmap mcp-envoy",
      "apply -f server.yaml",
      "rollout status deployment mcp-server",
      "apply -f mapping.yaml",
    ],
    ["delete configmap mcp-envoy", "create configmap mcp-envoy", "rollout restart", "rollout status"],
    ["delete -f mapping.yaml", "delete -f server.yaml", "delete configmap"],
  ],
};

describe.each(MESHES)("envoy/%s", (mesh) => {
  const blocks = blocksOf(mesh);

  it("runs nothing after a step that failed", async () => {
    for (const block of blocks) {
      const steps = await stepsOf(block);
      expect(steps.length, block).toBeGreaterThan(1);
      for (const index of steps.keys()) expect(await stepsOf(block, index + 1)).toEqual(steps.slice(0, index + 1));
    }
  });

  it("applies what others need before them, and removes it after them", async () => {
    const inOrder = (steps: string[], parts: string[]) => {
      let from = 0;
      return parts.every((part) => {
        from = steps.findIndex((step, index) => index >= from && step.includes(part)) + 1;
        return from > 0;
      });
    };
    const all = await Promise.all(blocks.map((block) => stepsOf(block)));
    expect(ORDERS[mesh].filter((parts) => !all.some((steps) => inOrder(steps, parts)))).toEqual([]);
  });
});

describe("files that replace one another", () => {
  interface Named {
    kind?: string;
    type?: string;
    name?: string;
    metadata?: { name: string; namespace?: string };
  }

  /** The resource or configuration entry that a document becomes, if two of them cannot exist at once. */
  function nameOf(document: unknown): string | undefined {
    if (typeof document === "string") return /^Kind = (.*)\n(?:Name = (.*)\n)?/m.exec(document)?.slice(1).join(" ");
    const { kind, type = kind, metadata, name = metadata?.name } = document as Named;
    return name === undefined ? undefined : `${type} ${name}`;
  }

  it("are those that say so: no file for statistics takes the place of a policy unseen", () => {
    const paths = new Map<string, string[]>();
    for (const { path, document } of readMeshDocuments()) {
      const name = nameOf(document);
      if (name === undefined) continue;
      const platform = /\.(kubernetes|universal)\./.exec(path)?.[1] ?? "";
      const key = `${path.split("/")[0]} ${platform} ${name}`;
      paths.set(key, [...(paths.get(key) ?? []), path]);
    }
    expect([...paths.values()].filter((files) => files.length > 1)).toEqual([
      ["consul/access.hcl", "consul/service-defaults-remote.hcl", "consul/service-defaults.hcl"],
      ["gateway/extension-policy-http.yaml", "gateway/extension-policy.yaml"],
    ]);
  });

  it("Consul: only the policy is written over an entry that is there", () => {
    const names = readdirSync("envoy/consul").filter((name) => name.endsWith(".hcl"));
    const plain = names.filter((name) => {
      return !/^# .*consul config write -cas -modify-index 0 /m.test(readFileSync(`envoy/consul/${name}`, "utf8"));
    });
    expect(plain).toEqual(["access.hcl"]);
  });
});
