/** An Envoy's output of `npm start`: kept in a file, searched for complaints about the configuration, shown on demand. */
import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../build/start/", import.meta.url));

/** The level and the text of the filter's lines about its configuration. Before the text they name plugin and instance. */
const ABOUT_CONFIGURATION =
  /\[(warning|error|critical)\].*?\bwasm log\b[^:]*: (?:invalid )?configuration\b(?:"[^"]*"|[^":])*: (.+)$/;

export class EnvoyLog {
  /** The absolute path of the file, which holds this run's output alone. */
  readonly path: string;
  readonly #file: WriteStream;
  readonly #onLine: (line: string) => void;
  readonly #errors = new Set<string>();
  readonly #warnings = new Set<string>();

  /** @param name of the file, without its extension
   *  @param onLine receives each line as it comes, without its end */
  constructor(name: string, onLine: (line: string) => void) {
    mkdirSync(FOLDER, { recursive: true });
    this.path = join(FOLDER, `${name.replaceAll(/[^\w.-]/g, "_")}.log`);
    this.#file = createWriteStream(this.path);
    this.#onLine = onLine;
  }

  /** The filter's errors about its configuration, with path and value: each once, in order. */
  get errors(): readonly string[] {
    return [...this.#errors];
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Takes over a line that Envoy has written. */
  add(line: string): void {
    this.#file.write(`${line}\n`);
    const [, level, text] = ABOUT_CONFIGURATION.exec(line) ?? [];
    // The filter repeats its lines, in each of its VMs.
    if (level === "warning") this.#warnings.add(text);
    else if (level !== undefined) this.#errors.add(text);
    this.#onLine(line);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#file.end(resolve));
  }
}
