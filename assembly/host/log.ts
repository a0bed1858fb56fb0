/** The severity of a log line, with the numbers of proxy-wasm. */
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
}

/** The proxy's log. */
export abstract class Log {
  /** Lines below this level are not written. */
  level: Level = Level.Warn;
  /** Writes a line. */
  abstract write(level: Level, line: string): void;
  /** Writes a line of UTF-8 bytes. */
  abstract writeBytes(level: Level, at: usize, length: i32): void;
}
