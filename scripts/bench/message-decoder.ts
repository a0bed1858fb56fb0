/** The filter's message decoder, compiled for this process's V8. */
import { load } from "../compile.ts";

/** Maximum size of the body chunks that Envoy passes. */
const CHUNK = 64 * 1024;

/** The exports of modules/message.as.ts. */
interface Exports {
  allocate(size: number): number;
  begin(estimate: number): void;
  feed(at: number, length: number): void;
  end(): bigint;
}

/** Modes of token estimation: see modules/message.as.ts. */
export const Estimate = { Off: 0, Sampling: 1, Exactly: 2 };

/** Compiles the decoder. The returned function reads a message and returns the number of tokens in its tool result. */
export async function compileDecoder(): Promise<(message: Buffer, estimate: number) => number> {
  const exports = await load<Exports>("scripts/bench/modules/message.as.ts");
  const at = exports.allocate(CHUNK);
  return (message, estimate) => {
    exports.begin(estimate);
    for (let from = 0; from < message.length; from += CHUNK) {
      const chunk = message.subarray(from, from + CHUNK);
      new Uint8Array(exports.memory!.buffer, at, chunk.length).set(chunk);
      exports.feed(at, chunk.length);
    }
    const tokens = Number(exports.end());
    if (tokens < 0) throw new Error("The decoder did not understand the message.");
    return tokens;
  };
}
