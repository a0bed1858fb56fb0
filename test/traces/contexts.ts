/** Trace contexts as clients send them: of an application in `_meta`, of a mesh in the header. */
import { randomBytes } from "node:crypto";
import type { Fetch } from "../../scripts/demo/client.ts";

/** The contexts that requests contain, and their flags: `01` is sampled. */
export interface Carried {
  meta?: boolean;
  header?: boolean;
  flags?: "00" | "01";
}

/** A span that a context names. */
export interface Context {
  traceId: string;
  spanId: string;
  isSampled: boolean;
}

/** A `fetch` that adds contexts to each request that it posts, of one trace in `_meta` and of another in headers. */
export function carrying({ meta, header, flags = "01" }: Carried, send: Fetch): Fetch {
  const [ofApplication, ofMesh] = [idOf(16), idOf(16)];
  const traceparent = (trace: string) => `00-${trace}-${idOf(8)}-${flags}`;
  return (url, init = {}) => {
    if (init.method !== "POST" || typeof init.body !== "string") return send(url, init);
    const headers = new Headers(init.headers);
    if (header === true) headers.set("traceparent", traceparent(ofMesh));
    if (meta !== true) return send(url, { ...init, headers });
    const read = JSON.parse(init.body) as Message | Message[];
    const withMeta = (message: Message): Message => {
      if (message.method === undefined || message.id === undefined) return message;
      const { _meta, ...params } = message.params ?? {};
      return { ...message, params: { ...params, _meta: { ..._meta, traceparent: traceparent(ofApplication) } } };
    };
    const body = JSON.stringify(Array.isArray(read) ? read.map(withMeta) : withMeta(read));
    return send(url, { ...init, headers, body });
  };
}

/** The context of a `traceparent`, if there is one. */
export function contextOf(traceparent: unknown): Context | undefined {
  if (typeof traceparent !== "string") return undefined;
  const [version, traceId, spanId, flags] = traceparent.split("-");
  return version === "00" ? { traceId, spanId, isSampled: (parseInt(flags, 16) & 1) === 1 } : undefined;
}

function idOf(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

interface Message {
  id?: unknown;
  method?: string;
  params?: Record<string, unknown> & { _meta?: object };
}
