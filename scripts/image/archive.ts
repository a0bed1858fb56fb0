/** Archives that are the same, byte by byte, on any machine: they hold no time and no user, and are packed in JavaScript. */
import { gzipSync } from "fflate";
import { packTar } from "modern-tar";

/** Paths in an archive, with what is in these files. */
export type Files = ReadonlyMap<string, Uint8Array>;

const EPOCH = new Date(0);

/** A tar of these files, sorted by their paths. */
export async function tar(files: Files): Promise<Uint8Array> {
  const sorted = [...files].sort(([one], [other]) => (one < other ? -1 : 1));
  return packTar(
    sorted.map(([name, body]) => ({
      header: { name, type: "file", size: body.length, mode: 0o644, mtime: EPOCH, uid: 0, gid: 0 },
      body,
    })),
  );
}

/** The bytes compressed, without the time that a gzip header may hold. Node's own zlib differs from version to version. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 9, mtime: 0 });
}
