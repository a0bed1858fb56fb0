/** Whether a port of 127.0.0.1 is available. */
import { createServer } from "node:net";

/** Rejects with one sentence if the port is in use or not permitted. */
export async function requireFreePort(port: number, option: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EACCES" ? "needs more rights than you have" : "is in use";
      reject(
        new Error(`Port ${port} of 127.0.0.1 ${reason}: give another with ${option}, or leave it out for a free one.`),
      );
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}
