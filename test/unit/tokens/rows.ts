/** Rows of values as tools return them: the same in every run. */
import { randomBytes } from "./random.ts";

const ROWS = 1000;
const YEAR_MS = 31_536_000_000;
const START_MS = Date.UTC(2025, 0, 1);

/** What the fields of a row are called, and how each is made of random bytes. */
type Fields = Readonly<Record<string, (random: Buffer) => string | number>>;

const FIELDS: Readonly<Record<string, Fields>> = {
  "whole numbers": {
    id: (random) => random.readUInt32LE(0),
    user: (random) => random.readUInt16LE(0),
    count: (random) => random[0],
  },
  "decimal numbers": {
    latitude: (random) => Number(((random.readUInt32LE(0) / 2 ** 32) * 180 - 90).toFixed(6)),
    longitude: (random) => Number(((random.readUInt32LE(4) / 2 ** 32) * 360 - 180).toFixed(6)),
    price: (random) => Number((random.readUInt16LE(8) / 100).toFixed(2)),
  },
  UUIDs: {
    id: (random) => uuid(random),
    parent: (random) => uuid(random.subarray(16)),
  },
  timestamps: {
    created: (random) => time(random).toISOString(),
    updated: (random) => time(random.subarray(4)).toISOString().slice(0, 19).replace("T", " "),
    epoch: (random) => time(random.subarray(8)).getTime(),
  },
  hashes: {
    commit: (random) => random.toString("hex", 0, 20),
    digest: (random) => random.toString("hex", 0, 32),
  },
};

type Row = Readonly<Record<string, string | number>>;

const FORMATS: Readonly<Record<string, (rows: readonly Row[]) => string>> = {
  CSV: (rows) => [Object.keys(rows[0]), ...rows.map(Object.values)].map((cells) => cells.join(",")).join("\n"),
  "minified JSON": (rows) => JSON.stringify(rows),
  "pretty JSON": (rows) => JSON.stringify(rows, null, 2),
  "log lines": (rows) =>
    rows
      .map(
        (row) =>
          `INFO ${Object.entries(row)
            .map(([name, value]) => `${name}=${value}`)
            .join(" ")}`,
      )
      .join("\n"),
};

/** Each kind of rows in each format. */
export const ROW_TEXTS: readonly { kind: string; format: string; text: string }[] = Object.entries(FIELDS).flatMap(
  ([kind, fields]) => {
    const random = randomBytes(kind);
    const rows = Array.from({ length: ROWS }, () =>
      Object.fromEntries(Object.entries(fields).map(([name, make]) => [name, make(random(32))])),
    );
    return Object.entries(FORMATS).map(([format, write]) => ({ kind, format, text: write(rows) }));
  },
);

/** Of version 4 (RFC 9562). */
function uuid(random: Buffer): string {
  const bytes = Buffer.from(random.subarray(0, 16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function time(random: Buffer): Date {
  return new Date(START_MS + Math.floor((random.readUInt32LE(0) / 2 ** 32) * YEAR_MS));
}
