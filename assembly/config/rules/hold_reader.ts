import { CALLER_PART, HoldConfig } from "./hold_config";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems, suggestion } from "../values/problems";
import { parseSize } from "../values/size";

/** Minimum and maximum of `maxBodyBytes`. */
const MIN_BODY: i64 = 1024;
const MAX_BODY: i64 = 67_108_864;
/** Minimum and maximum of `maxBytes`. */
const MIN_BYTES: i64 = 1_048_576;
const MAX_BYTES: i64 = 1_073_741_824;
const MAX_STREAMS: i32 = 1_000_000;

/** The name of `headers` in `access`. */
const FORMER_HEADERS = "holdHeaders";

/** The fields of the section. */
export const HOLD_FIELDS: string[] = ["headers", "maxBodyBytes", "maxStreams", "maxBytes"];

/** Reads `hold`. */
export class HoldReader {
  private setsMaxBytes: bool = false;

  constructor(
    private config: HoldConfig,
    private problems: Problems,
  ) {}

  /** Reads a field of the section. */
  read(name: string, value: JsonValue): void {
    const config = this.config;
    const problems = this.problems;
    const path = "hold." + name;
    if (name == "headers") {
      config.headers = problems.boolean(path, value, config.headers);
    } else if (name == "maxBodyBytes") {
      readMaxBodyBytes(path, value, config, problems);
    } else if (name == "maxStreams") {
      config.maxStreams = problems.integer(path, value, 1, MAX_STREAMS, config.maxStreams);
    } else if (name == "maxBytes") {
      const size = sizeOf(value);
      this.setsMaxBytes = size >= MIN_BYTES && size <= MAX_BYTES;
      if (this.setsMaxBytes) config.maxBytes = <u32>size;
      else problems.expected(path, 'a size from 1MiB to 1GiB, like "64MiB"', value);
    } else if (name == FORMER_HEADERS) {
      problems.error(path, "unknown field" + suggestion("headers"));
    } else {
      problems.unknown("hold", name, HOLD_FIELDS);
    }
  }

  /** Checks the fields together, once all have been read: one caller must be able to have the largest body held. If
   *  `maxBytes` is not configured, it is set large enough. */
  check(): void {
    const config = this.config;
    const least = config.maxBodyBytes * CALLER_PART;
    if (config.maxBytes >= least) return;
    if (this.setsMaxBytes) {
      const form = "expected at least 4 times maxBodyBytes, because one caller may use a quarter: ";
      this.problems.error("hold.maxBytes", form + least.toString() + "B, got " + config.maxBytes.toString() + "B");
    } else {
      config.maxBytes = least;
    }
  }
}

/**
 * Reads `maxBodyBytes`, which may also be in `access`.
 * @param path the path of the value
 */
export function readMaxBodyBytes(path: string, value: JsonValue, config: HoldConfig, problems: Problems): void {
  const size = sizeOf(value);
  if (size >= MIN_BODY && size <= MAX_BODY) config.maxBodyBytes = <u32>size;
  else problems.expected(path, 'a size from 1KiB to 64MiB, like "512KiB"', value);
}

/** A size in bytes; -1 if the value is not a size. */
function sizeOf(value: JsonValue): i64 {
  return value.type == JsonType.String && !value.isCut ? parseSize(value.text) : -1;
}
