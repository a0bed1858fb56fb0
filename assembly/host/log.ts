/** The severity of a log line, in the order and with the numbers of the proxy-wasm ABI. */
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
}

/** The proxy's log. */
export abstract class Log {
  /** The lowest level that is written. */
  level: Level = Level.Warn;
  /** Writes a line, unless its level is below {@link level}. */
  abstract write(level: Level, line: string): void;
  /** Writes a line of UTF-8 bytes, unless its level is below {@link level}. */
  abstract writeBytes(level: Level, at: usize, length: i32): void;
}
