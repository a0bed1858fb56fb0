/**
 * The upstream of Envoy: sends prepared bytes for each path. It parses only enough of HTTP/1.1 to find the end of
 * Envoy's requests, because a full server takes as much time as Envoy, and there may be only two cores.
 */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { pathOf, type Workload } from "./workloads.ts";

/** The path that accepts traces like a collector, without reading them. */
export const COLLECTOR_PATH = "/v1/traces";

const ACCEPTED = Buffer.from("HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");

/** A running server on 127.0.0.1. */
export interface CannedUpstream {
  host: string;
  port: number;
  /** Also ends every connection. */
  close: () => Promise<void>;
}

export async function startCannedUpstream(workloads: readonly Workload[]): Promise<CannedUpstream> {
  const answers = new Map(workloads.map((workload) => [pathOf(workload), answerOf(workload)]));
  answers.set(COLLECTOR_PATH, [ACCEPTED]);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(socket, answers);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** The bytes of a response: the head with the first part of the body, then the other parts. */
function answerOf({ answer: { contentType, parts, staysOpen } }: Workload): Buffer[] {
  const isStream = contentType === "text/event-stream";
  const framing = isStream ? "transfer-encoding: chunked" : `content-length: ${Buffer.byteLength(parts.join(""))}`;
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\n${framing}\r\n\r\n`;
  const body = isStream ? parts.map(chunked) : parts.map((part) => Buffer.from(part));
  if (isStream && !staysOpen) body.push(Buffer.concat([body.pop()!, Buffer.from("0\r\n\r\n")]));
  return [Buffer.concat([Buffer.from(head), body[0]]), ...body.slice(1)];
}

/** A chunk for each event, as servers write them. */
function chunked(part: string): Buffer {
  const chunks = part.split(/(?<=\n\n)/).map((event) => Buffer.from(event));
  return Buffer.concat(
    chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
  );
}

function serve(socket: Socket, answers: ReadonlyMap<string, Buffer[]>): void {
  let head = "";
  let answer: Buffer[] = [];
  /** Number of bytes of the request's body still to come; -1 while in its head. */
  let left = -1;
  socket.setNoDelay().on("error", () => {});
  socket.on("data", (bytes: Buffer) => {
    if (left < 0) {
      head += bytes.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const size = /\r\ncontent-length: (\d+)/i.exec(head.slice(0, end));
      answer = answers.get(head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/"))) ?? [NOT_FOUND];
      left = Number(size?.[1] ?? 0) - (head.length - end - 4);
      head = "";
    } else {
      left -= bytes.length;
    }
    if (left > 0) return;
    left = -1;
    write(socket, answer, 0);
  });
}

const NOT_FOUND = Buffer.from("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");

/** Writes the parts, each in a separate turn. */
function write(socket: Socket, parts: readonly Buffer[], index: number): void {
  socket.write(parts[index]);
  if (index + 1 < parts.length) setImmediate(write, socket, parts, index + 1);
}
