import type { HttpStream } from "../../host/index.ts";
import { Mismatch } from "../target.ts";
import type { FilterCase } from "./case.ts";

const DENIED_TOOL = "echo";
const DENIED_METHOD = "resources/read";

/** A policy and limits that hold every request to their paths until its body is read. */
export const POLICY_CONFIGURATION = {
  match: { paths: ["/mcp", "/messages", "/sse"] },
  identity: { principalSources: ["peer_certificate", "jwt", "x-forwarded-client-cert"] },
  hold: { headers: true, maxBodyBytes: "16KiB" },
  access: {
    defaultAction: "ALLOW",
    audit: { perSecond: 2, arguments: true },
    rules: [
      { name: "tool", action: "DENY", to: [{ operation: { tools: [DENIED_TOOL] } }] },
      { name: "method", action: "DENY", to: [{ operation: { methods: [DENIED_METHOD] } }] },
      {
        name: "argument",
        action: "DENY",
        to: [{ operation: { notServers: ["shop"], methods: ["tools/*"] } }],
        when: [
          { key: "mcp.arguments[text]", values: ["a*z", 5] },
          { key: "mcp.clientName", notValues: ["x"] },
        ],
      },
      { name: "trial", action: "DENY", mode: "shadow", to: [{ operation: { notTools: ["a*"] } }] },
      {
        name: "answer",
        action: "DENY",
        from: [{ source: { ipBlocks: ["192.0.2.2"], notPrincipals: ["spiffe://*"] } }],
        to: [{ operation: { methods: ["sampling/*"], direction: "server_to_client" } }],
      },
    ],
  },
  limits: {
    maxKeys: 64,
    rules: [
      {
        name: "calls",
        key: ["principal", "session", "tool", { claim: ["team"] }],
        requests: { amount: 100, per: "1m" },
        tokens: { amount: 5000, per: "1m" },
        concurrency: 20,
        repeats: { amount: 20, per: "1m" },
        denial: { form: "result" },
      },
      {
        name: "all",
        key: [],
        requests: { amount: 1000, per: "1s" },
        tokens: { amount: 100_000, per: "1s" },
        concurrency: 500,
        repeats: { amount: 500, per: "1s" },
      },
      {
        name: "trial",
        mode: "shadow",
        key: ["address", "client", "method"],
        requests: { amount: 1, per: "1h" },
        concurrency: 1,
      },
      {
        name: "streams",
        key: ["server"],
        to: [{ operation: { methods: ["GET", "subscriptions/listen"] } }],
        concurrency: 50,
      },
    ],
  },
};

/**
 * Throws if a request is neither answered in place of its server nor passed at its end, or if a passed request is one
 * that the policy denies, as read by JSON.parse. `actions` are the results of the callbacks.
 */
export function checkPassage(
  { request }: FilterCase,
  { reply, passedRequest }: HttpStream,
  actions: readonly number[],
  isGuarded: boolean,
): void {
  if (!isGuarded) {
    if (!/^0*$/.test(actions.join(""))) throw new Mismatch("actions", actions, "Continue each");
    return;
  }
  if (reply !== undefined) {
    // A reply is always JSON; JSON.parse throws if it is not.
    if (reply.body !== "") JSON.parse(reply.body);
    if (actions.at(-1) !== 1) throw new Mismatch("the last action of an answered request", actions, "Pause");
    return;
  }
  // A request may wait, but must then continue.
  if (!/^0?1*0+$/.test(actions.join(""))) throw new Mismatch("actions", actions, "Continue at the end");
  if (/^\/mcp(\?|$)/.test(request.path) && request.method === "POST" && isDenied(passedRequest)) {
    throw new Mismatch("what passes", passedRequest, "nothing that is denied");
  }
}

function isDenied(body: string): boolean {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return false;
  }
  return [document].flat().some((message) => {
    const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } | null };
    return method === DENIED_METHOD || (method === "tools/call" && params?.name === DENIED_TOOL);
  });
}
