/**
 * Proves that each variant does what it claims, and that every response passes it unchanged. Otherwise its figures
 * would be meaningless.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { readSamples } from "../statistics/exposition.ts";
import type { BenchEnvoy } from "./bootstrap.ts";
import type { Variant } from "./variants.ts";
import { pathOf, type Workload } from "./workloads.ts";

/** What was proved for a variant. */
export interface Proof {
  variant: string;
  /** Requests sent to one of our filters, and those that it counted. Both are equal. */
  operations?: { sent: number; counted: number };
  /** Requests sent to one of our filters with an access policy or limits, and those that the deciding rule allowed
   *  or admitted. Both are equal. */
  decisions?: { sent: number; counted: number };
  /** Number of these requests that waited in a queue. */
  queued?: number;
  /** Requests sent to those of our filters that export a span for each, and the number of exported spans. Both are
   *  equal. */
  spans?: { sent: number; counted: number };
  /** Bodies with a wrong last byte sent to the native filter, and those that it detected. Both are equal. */
  faults?: { sent: number; counted: number };
}

const COUNTED_MS = 5000;

/** Counts the MCP requests sent to each variant. */
export class Ledger {
  readonly #sent = new Map<string, number>();

  /** Number of these requests sent to variants that export a span for each. */
  spans = 0;

  readonly add = (variant: Variant, workload: Workload, requests: number): void => {
    if (!workload.isMcp) return;
    this.#sent.set(variant.id, this.sentTo(variant) + requests);
    if (variant.spans === "all") this.spans += requests;
  };

  sentTo({ id }: Variant): number {
    return this.#sent.get(id) ?? 0;
  }
}

/** Sends one request of each workload. Rejects if a response differs from the expected one. */
export async function requireTransparency(
  envoy: BenchEnvoy,
  variants: readonly Variant[],
  workloads: readonly Workload[],
  ledger: Ledger,
): Promise<void> {
  for (const variant of variants) {
    for (const workload of workloads) {
      ledger.add(variant, workload, 1);
      const response = await send(envoy, variant, workload, workload.body);
      const answer = workload.answer.parts.join("");
      const isWhole = (await response.text()) === (variant.received?.(answer) ?? answer);
      if (response.status === 200 && isWhole) continue;
      const what = response.status === 200 ? "another body" : `status ${response.status}`;
      throw new Error(`Workload ${workload.id} gets ${what} through the variant ${variant.id}.`);
    }
  }
}

/**
 * Proves what can be proved for a variant, after everything has been sent. Rejects with one sentence if the proof
 * fails.
 */
export async function prove(
  envoy: BenchEnvoy,
  variant: Variant,
  workloads: readonly Workload[],
  ledger: Ledger,
): Promise<Proof> {
  if (variant.proof === "operations") return proveOperations(envoy, variant, ledger);
  if (variant.proof === "faults") return proveFaults(envoy, variant, workloads);
  return { variant: variant.id };
}

async function proveOperations(envoy: BenchEnvoy, variant: Variant, ledger: Ledger): Promise<Proof> {
  const sent = ledger.sentTo(variant);
  const count = () => countOf(envoy, "mcp_operations_total", { mcp_server: variant.id, mcp_outcome: "ok" });
  const counted = await settled(count, sent);
  if (counted !== sent) throw new Error(`The variant ${variant.id} was sent ${sent} requests and counted ${counted}.`);
  const proof: Proof = { variant: variant.id, operations: { sent, counted } };
  if (variant.spans !== undefined) return { ...proof, spans: await proveSpans(envoy, ledger) };
  const decisions = decisionsOf(variant);
  if (decisions === undefined) return proof;
  const decided = { ...proof, decisions: await proveDecisions(envoy, variant, decisions, sent) };
  if (!variant.queues) return decided;
  const labels = { mcp_limit_rule: variant.admittedBy!, mcp_limit_decision: "queued" };
  return { ...decided, queued: await countOf(envoy, decisions.family, { mcp_server: variant.id, ...labels }) };
}

/** The spans family has no label for the variant, so the total of all variants is compared. */
async function proveSpans(envoy: BenchEnvoy, ledger: Ledger): Promise<Proof["spans"]> {
  const sent = ledger.spans;
  const counted = await settled(() => countOf(envoy, "mcp_trace_spans_total", { mcp_result: "exported" }), sent);
  if (counted !== sent) throw new Error(`Of ${sent} spans ${counted} were exported.`);
  return { sent, counted };
}

/** The family and labels that count the decisions of a variant's rule; undefined if it has none. */
function decisionsOf({
  decidedBy,
  admittedBy,
}: Variant): { family: string; labels: Record<string, string> } | undefined {
  if (decidedBy !== undefined) {
    const labels = { mcp_access_rule: decidedBy, mcp_access_action: "allow", mcp_access_mode: "enforce" };
    return { family: "mcp_access_decisions_total", labels };
  }
  if (admittedBy === undefined) return undefined;
  const labels = { mcp_limit_rule: admittedBy, mcp_limit_decision: "admitted" };
  return { family: "mcp_limit_decisions_total", labels };
}

async function proveDecisions(
  envoy: BenchEnvoy,
  { id }: Variant,
  { family, labels }: { family: string; labels: Record<string, string> },
  sent: number,
): Promise<Proof["decisions"]> {
  const counted = await settled(() => countOf(envoy, family, { mcp_server: id, ...labels }), sent);
  if (counted !== sent) throw new Error(`The variant ${id} was sent ${sent} requests and its rule decided ${counted}.`);
  return { sent, counted };
}

/**
 * The native filter counts only requests that it objects to, and lets them pass. Detecting a fault in the last byte of
 * each body shows that it reads all of them.
 */
async function proveFaults(envoy: BenchEnvoy, variant: Variant, workloads: readonly Workload[]): Promise<Proof> {
  const read = workloads.filter(({ isMcp }) => isMcp);
  const count = () => countOf(envoy, "envoy_http_mcp_invalid_json", { envoy_http_conn_manager_prefix: variant.id });
  const before = await count();
  for (const workload of read) {
    const response = await send(envoy, variant, workload, `${workload.body.slice(0, -1)}]`);
    await response.arrayBuffer();
  }
  const sent = read.length;
  const counted = (await settled(count, before + sent)) - before;
  if (counted !== sent)
    throw new Error(`The variant ${variant.id} was sent ${sent} broken bodies and found ${counted}.`);
  return { variant: variant.id, faults: { sent, counted } };
}

async function send(envoy: BenchEnvoy, variant: Variant, workload: Workload, body: string): Promise<Response> {
  const { method, headers } = workload;
  return fetch(envoy.urlOf(variant) + pathOf(workload), { method, headers, ...(method === "POST" && { body }) });
}

/** The sum of all series of this family that have these labels. */
export async function countOf(envoy: BenchEnvoy, family: string, wanted: Record<string, string>): Promise<number> {
  const samples = readSamples(await envoy.stats(), family);
  const found = samples.filter(({ labels }) => Object.entries(wanted).every(([name, value]) => labels[name] === value));
  return found.reduce((sum, { value }) => sum + value, 0);
}

/** The last count: returns when it is the expected one, or after a timeout. */
export async function settled(count: () => Promise<number>, expected: number): Promise<number> {
  const deadline = Date.now() + COUNTED_MS;
  let counted = await count();
  while (counted !== expected && Date.now() < deadline) {
    await sleep(100);
    counted = await count();
  }
  return counted;
}
