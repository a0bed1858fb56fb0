/** A control plane that says what the test says: resources go to Envoy over ADS, and its answer comes back. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { buildGoProgram } from "../fixtures/go.ts";

/** Envoy's refusals (NACK), each with its reason, by the kind of resource; empty where it took everything over. */
export type Refusals = Record<string, string>;

/** What the server writes: see test/fixtures/xds-server. */
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

/** A running xDS server; every Envoy that asks gets the same. */
export class XdsServer {
  readonly #waiting = new Set<(event: Event) => void>();
  #deliveries = 0;

  private constructor(
    readonly port: number,
    private readonly send: (line: string) => void,
    /** Ends it. */
    readonly stop: () => Promise<void>,
  ) {}

  /** Starts one that has nothing yet. The first start builds it. */
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

  /** Sets what there is from now on, for Envoys that start later. Rejects where a resource has an unknown field or type. */
  async set(resources: readonly object[]): Promise<void> {
    await this.#give(resources, false);
  }

  /**
   * Sets what there is from now on, and resolves once an Envoy that runs has answered each kind of resource that has
   * changed. Rejects as {@link set}, and where no answer comes.
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
