/** The log of an Envoy that `npm start` runs: writes it to a file, finds messages about the configuration, and passes on each
 *  line. */
import { createWriteStream, type WriteStream } from "node:fs";
import { join } from "node:path";

/** Matches the filter's log lines about its configuration: captures the level and the text after the plugin's name. It matches
 *  from the line's beginning, because strangers choose texts within lines, such as names in the access log. */
const ABOUT_CONFIGURATION =
  /^\[[^\]]*\]\[\d+\]\[(warning|error|critical)\]\[wasm\] \[[^\]]*\] wasm log\b[^:]*: (?:invalid )?configuration\b(?:"[^"]*"|[^":])*: (.+)$/;

export class EnvoyLog {
  /** The absolute path of the file, which contains the output of this run only. */
  readonly path: string;
  readonly #file: WriteStream;
  readonly #onLine: (line: string) => void;
  readonly #errors = new Set<string>();
  readonly #warnings = new Set<string>();

  /** @param folder an existing folder
   *  @param name the file's name without its extension
   *  @param onLine receives each line at once, without its line end */
  constructor(folder: string, name: string, onLine: (line: string) => void) {
    this.path = join(folder, `${name.replaceAll(/[^\w.-]/g, "_")}.log`);
    this.#file = createWriteStream(this.path);
    this.#onLine = onLine;
  }

  /** The filter's distinct errors about its configuration, with path and value, in order of appearance. */
  get errors(): readonly string[] {
    return [...this.#errors];
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Adds a line of Envoy's output. */
  add(line: string): void {
    this.#file.write(`${line}\n`);
    const [, level, text] = ABOUT_CONFIGURATION.exec(line) ?? [];
    // Each of the filter's VMs logs the same lines.
    if (level === "warning") this.#warnings.add(text);
    else if (level !== undefined) this.#errors.add(text);
    this.#onLine(line);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#file.end(resolve));
  }
}
