/** A client that writes raw bytes to a connection, for requests that no library would send. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Maximum time in milliseconds that a busy machine may take for an expected response. */
const PATIENCE_MS = 10_000;

/**
 * Writes `pieces`, each immediately and separately; a number is a pause in milliseconds. Resolves to everything
 * received until the proxy closed the connection, or was silent for `silenceMs` on a connection that it keeps open.
 */
export async function speak(
  url: string,
  pieces: (string | Buffer | number)[],
  silenceMs: number = PATIENCE_MS,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay(true);
  let answer = "";
  let silentSince = Date.now();
  let isClosed = false;
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    silentSince = Date.now();
  });
  socket.on("close", () => (isClosed = true));
  // A proxy may close the connection before everything is written.
  socket.on("error", () => {});
  for (const piece of pieces) {
    if (typeof piece === "number") await sleep(piece);
    else await new Promise((resolve) => socket.write(piece, resolve));
    silentSince = Date.now();
  }
  while (!isClosed && Date.now() - silentSince < silenceMs) await sleep(5);
  socket.destroy();
  return answer;
}

/** A request's head as bytes, with `connection: close` unless the headers include it. */
export function head(headers: Record<string, string>, line = "POST /mcp HTTP/1.1"): string {
  const all = { host: "mcp.example", connection: "close", ...headers };
  return [line, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
}

/** A chunk of a chunked body. */
export function chunk(data: string): string {
  return `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
}
