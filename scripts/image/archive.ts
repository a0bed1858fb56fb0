/** Archives that are identical on any machine: they contain no time and no user, and are packed in JavaScript. */
import { gunzipSync, gzipSync } from "fflate";
import { packTar, unpackTar } from "modern-tar";

/** The contents of files by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

const EPOCH = new Date(0);

/** A tar of these files, sorted by path. `programs` are the paths of those that can be executed. */
export async function tar(files: Files, programs: ReadonlySet<string> = new Set()): Promise<Uint8Array> {
  const sorted = [...files].sort(([one], [other]) => (one < other ? -1 : 1));
  return packTar(
    sorted.map(([name, body]) => ({
      header: {
        name,
        type: "file",
        size: body.length,
        mode: programs.has(name) ? 0o755 : 0o644,
        mtime: EPOCH,
        uid: 0,
        gid: 0,
      },
      body,
    })),
  );
}

/**
 * Compresses the bytes, without the time that a gzip header may contain. Node's own zlib gives different results in
 * different versions.
 */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 9, mtime: 0 });
}

/** The same files as in a gzipped tar, with none of its times, users and other modes. */
export async function repacked(archive: Uint8Array): Promise<Uint8Array> {
  const entries = (await unpackTar(gunzipSync(archive))).filter(({ header }) => header.type === "file");
  const programs = entries.filter(({ header }) => ((header.mode ?? 0) & 0o100) !== 0);
  const files = new Map(entries.map(({ header, data }) => [header.name, data ?? new Uint8Array()]));
  return gzip(await tar(files, new Set(programs.map(({ header }) => header.name))));
}
