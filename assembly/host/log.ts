/** How grave a line of the log is, as proxy-wasm numbers it. */
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
}

/** Takes lines for the operator. */
export abstract class Log {
  /** Lines below this level need not be built. */
  level: Level = Level.Warn;
  abstract write(level: Level, line: string): void;
}
