/** The severity of a log line, as proxy-wasm numbers it. */
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
}

/** The log that operators read. */
export abstract class Log {
  /** Lines below this level need not be built. */
  level: Level = Level.Warn;
  abstract write(level: Level, line: string): void;
  /** Writes a line of UTF-8 bytes. */
  abstract writeBytes(level: Level, at: usize, length: i32): void;
}
