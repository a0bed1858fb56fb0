/** Archives that are identical on any machine: they contain no time and no user, and are packed in JavaScript. */
import { gzipSync } from "fflate";
import { packTar } from "modern-tar";

/** The contents of files by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

const EPOCH = new Date(0);

/** A tar of these files, sorted by path. */
export async function tar(files: Files): Promise<Uint8Array> {
  const sorted = [...files].sort(([one], [other]) => (one < other ? -1 : 1));
  return packTar(
    sorted.map(([name, body]) => ({
      header: { name, type: "file", size: body.length, mode: 0o644, mtime: EPOCH, uid: 0, gid: 0 },
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
