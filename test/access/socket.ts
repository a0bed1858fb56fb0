/** A client that writes bytes to a connection as they are, for requests that no library would send. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a busy machine may take for an answer that is sure to come. */
const PATIENCE_MS = 10_000;

/** Writes `pieces`, each at once and on its own; a number is a pause in milliseconds. Resolves to all that came back until
 *  the proxy closed the connection, or was silent for `silenceMs`, for what it keeps open. */
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
  // A proxy may close before all is written.
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

/** A request's head as bytes; `connection: close` unless the headers say otherwise. */
export function head(headers: Record<string, string>, line = "POST /mcp HTTP/1.1"): string {
  const all = { host: "mcp.example", connection: "close", ...headers };
  return [line, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
}

/** A chunk of a chunked body. */
export function chunk(data: string): string {
  return `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
}
