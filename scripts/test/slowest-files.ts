/** A vitest reporter: prints the slowest test files and the time of each tier at the end. */
import type { Reporter, TestModule } from "vitest/node";

const SHOWN = 15;

/** A test file of one tier. Its time in milliseconds includes imports, hooks and tests. */
interface TimedFile {
  readonly tier: string;
  readonly path: string;
  readonly ms: number;
}

/** The wall-clock times in milliseconds at which a tier's first file started and its last one ended. */
interface Span {
  readonly start: number;
  end: number;
}

export default class SlowestFiles implements Reporter {
  readonly #files: TimedFile[] = [];
  readonly #spans = new Map<string, Span>();

  onTestModuleQueued({ project }: TestModule): void {
    if (!this.#spans.has(project.name)) this.#spans.set(project.name, { start: Date.now(), end: Date.now() });
  }

  onTestModuleEnd(file: TestModule): void {
    const { collectDuration, setupDuration, duration } = file.diagnostic();
    const tier = file.project.name;
    this.#files.push({ tier, path: file.relativeModuleId, ms: collectDuration + setupDuration + duration });
    this.#spans.get(tier)!.end = Date.now();
  }

  onTestRunEnd(): void {
    console.log(`\n${slowestFiles(this.#files)}\n\n${tierTimes(this.#files, this.#spans)}`);
  }
}

function slowestFiles(files: readonly TimedFile[]): string {
  const slowest = files.toSorted((a, b) => b.ms - a.ms).slice(0, SHOWN);
  const lines = slowest.map(({ tier, path, ms }) => `${seconds(ms)}  ${tier.padEnd(12)}  ${path}`);
  return ["Slowest files", ...lines].join("\n");
}

function tierTimes(files: readonly TimedFile[], spans: ReadonlyMap<string, Span>): string {
  const lines = [...spans].map(([tier, { start, end }]) => {
    const own = files.filter((file) => file.tier === tier);
    const sum = own.reduce((total, { ms }) => total + ms, 0);
    return `${seconds(end - start)}  ${tier.padEnd(12)}  ${own.length} files, ${seconds(sum).trim()} one after another`;
  });
  return ["Tiers", ...lines].join("\n");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s`;
}
