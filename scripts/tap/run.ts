/** Prints a line for each message of an access log. */
import { once } from "node:events";
import { cut } from "../cli/columns.ts";
import type { TapOptions } from "./command.ts";
import { isWanted } from "./filter.ts";
import { jsonLine, textLine } from "./line.ts";
import { chunksOf, followedChunks, linesOf } from "./lines.ts";
import { messageOf } from "./message.ts";

/** Runs the command until the log's end or Ctrl-C. Rejects with one sentence if the log cannot be read. */
export async function tap(path: string | undefined, options: TapOptions): Promise<void> {
  if (path === undefined && options.follow)
    throw new Error("--follow needs a file; standard input is followed anyway.");
  if (path === undefined && process.stdin.isTTY) throw new Error("Give the access log as a file or on standard input.");
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());

  const counts = { messages: 0, shown: 0, others: 0, noJson: 0 };
  const chunks = path !== undefined && options.follow ? followedChunks(path, stop.signal) : chunksOf(path, stop.signal);
  for await (const line of linesOf(chunks)) {
    const message = line === undefined ? undefined : messageOf(line);
    if (message === undefined) counts.noJson++;
    else if (message === "other") counts.others++;
    else {
      counts.messages++;
      if (!isWanted(message, options)) continue;
      counts.shown++;
      const { isTTY, columns } = process.stdout;
      const text = options.output === "json" ? jsonLine(message) : textLine(message, isTTY ? columns : undefined);
      await write(isTTY && options.output === "text" ? cut(text, columns) : text);
    }
    if (stop.signal.aborted) break;
  }
  summarize(counts);
}

/** Writes a line, and waits while the reader of the output is slower than the log. */
async function write(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await once(process.stdout, "drain");
}

function summarize({
  messages,
  shown,
  others,
  noJson,
}: Record<"messages" | "shown" | "others" | "noJson", number>): void {
  const skipped = [
    ...(others > 0 ? [`${lines(others)} about other requests`] : []),
    ...(noJson > 0 ? [`${lines(noJson)} without JSON`] : []),
  ];
  console.error(`${shown} of ${messages} messages${skipped.length > 0 ? `; skipped ${skipped.join(" and ")}` : ""}`);
  if (messages === 0 && others > 0) {
    console.error(
      `No line has the fields of the filter: set "logFields": true, and log as JSON with the fields of docs/access-log.md.`,
    );
  }
}

function lines(count: number): string {
  return count === 1 ? "1 line" : `${count} lines`;
}
