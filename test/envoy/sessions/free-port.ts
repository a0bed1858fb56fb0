import { createServer } from "node:net";

/**
 * Where Linux takes the ports of servers that ask for none (net.ipv4.ip_local_port_range). Those below are free of the race
 * in which an Envoy that asks for any port is given one that was found free for another.
 */
const FIRST_EPHEMERAL = 32_768;
const FIRST = 16_384;

/** A port of 127.0.0.1 that is free now, for programs whose port must be chosen before they start. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (FIRST_EPHEMERAL - FIRST));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
