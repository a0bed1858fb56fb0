/** A control plane controlled by the test: sends resources to Envoy over ADS, and receives its answer. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { buildGoProgram } from "../fixtures/go.ts";

/** Envoy's rejections (NACK), each with its reason, by the kind of resource; empty if it accepted everything. */
export type Refusals = Record<string, string>;

/** An output line of the server: see test/fixtures/xds-server. */
interface Event {
  event: "listening" | "accepted" | "refused" | "answer";
  port?: number;
  id?: number;
  versions?: Record<string, string>;
  type?: string;
  version?: string;
  error?: string;
}

const ANSWER_MS = 30_000;

/** A running xDS server. Every Envoy gets the same resources. */
export class XdsServer {
  readonly #waiting = new Set<(event: Event) => void>();
  #deliveries = 0;

  private constructor(
    readonly port: number,
    private readonly send: (line: string) => void,
    /** Stops the server. */
    readonly stop: () => Promise<void>,
  ) {}

  /** Starts a server without resources. The first start builds it. */
  static async start(): Promise<XdsServer> {
    const child = spawn(await buildGoProgram("xds-server"), { stdio: ["pipe", "pipe", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const closed = once(child, "close");
    const died = closed.then(() => Promise.reject(new Error(`the xDS server has ended: ${errors}`)));
    died.catch(() => {});
    const lines = createInterface(child.stdout);
    const [first] = (await Promise.race([once(lines, "line"), died])) as [string];
    const server = new XdsServer(
      (JSON.parse(first) as Event).port!,
      (line) => void child.stdin.write(line),
      async () => {
        child.stdin.end();
        await closed;
      },
    );
    lines.on("line", (line) => {
      for (const hear of server.#waiting) hear(JSON.parse(line) as Event);
    });
    return server;
  }

  /** Sets the resources for Envoys that start later. Rejects if a resource has an unknown field or type. */
  async set(resources: readonly object[]): Promise<void> {
    await this.#give(resources, false);
  }

  /**
   * Sets the resources, and resolves once a running Envoy has answered for each kind of resource that has changed.
   * Rejects like {@link set}, and if no answer arrives.
   */
  async deliver(resources: readonly object[]): Promise<Refusals> {
    return this.#give(resources, true);
  }

  #give(resources: readonly object[], isAnswered: boolean): Promise<Refusals> {
    const id = ++this.#deliveries;
    return new Promise((resolve, reject) => {
      const refusals: Refusals = {};
      let awaited: Record<string, string> | undefined;
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(hear);
        settle();
      };
      const hear = ({ event, id: of, type = "", version, versions = {}, error = "" }: Event) => {
        if (event === "refused" && of === id) {
          return end(() => reject(new Error(`the xDS server does not take this: ${error}`)));
        }
        if (event === "accepted" && of === id) awaited = isAnswered ? { ...versions } : {};
        if (event === "answer" && awaited?.[type] === version) {
          delete awaited?.[type];
          if (error !== "") refusals[type] = error;
        }
        if (awaited !== undefined && Object.keys(awaited).length === 0) end(() => resolve(refusals));
      };
      const giveUp = () => reject(new Error(`no answer within ${ANSWER_MS} ms: ${JSON.stringify(awaited)}`));
      const timer = setTimeout(() => end(giveUp), ANSWER_MS);
      this.#waiting.add(hear);
      this.send(`${JSON.stringify({ id, resources })}\n`);
    });
  }
}
