/** Reads lines with bounded memory, from standard input or a file that may grow and be rotated. */
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer lines are not messages: the filter's fields have at most some hundred bytes each. */
const LONGEST = 64 * 1024;
const POLL_MS = 200;
const CHUNK_BYTES = 64 * 1024;

/** The lines of these chunks. A line that is too long is undefined; the last one may have no line end. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string | undefined> {
  let unfinished: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", begin)) {
      length += end - begin;
      yield length > LONGEST ? undefined : Buffer.concat([...unfinished, chunk.subarray(begin, end)]).toString();
      unfinished = [];
      length = 0;
      begin = end + 1;
    }
    length += chunk.length - begin;
    if (length > LONGEST) unfinished = [];
    else if (begin < chunk.length) unfinished.push(chunk.subarray(begin));
  }
  if (length > 0) yield length > LONGEST ? undefined : Buffer.concat(unfinished).toString();
}

/** The bytes of a file, or of standard input. Rejects with one sentence if the file cannot be read. */
export async function* chunksOf(path: string | undefined, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stream = path === undefined ? process.stdin : createReadStream(path);
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    if (!signal.aborted) throw unreadable(path, error);
  }
}

/** The bytes of a file, and then what is added to it, until `signal` aborts. Goes on with the new file if another one takes its
 *  name, and from the beginning if it is cut. */
export async function* followedChunks(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  let file: FileHandle = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  let position = 0;
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    while (!signal.aborted) {
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        yield Buffer.from(buffer.subarray(0, bytesRead));
        if (signal.aborted) return;
      }
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
      const [named, opened] = [await stat(path).catch(() => undefined), await file.stat()];
      if (opened.size > position || named === undefined) continue;
      if (named.ino !== opened.ino || named.dev !== opened.dev) {
        const next = await open(path).catch(() => undefined);
        if (next === undefined) continue;
        await file.close();
        file = next;
        position = 0;
      } else if (opened.size < position) {
        position = 0;
      }
    }
  } finally {
    await file.close();
  }
}

function unreadable(path: string | undefined, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  return new Error(`${path ?? "Standard input"} cannot be read (${code}).`, { cause: error });
}
