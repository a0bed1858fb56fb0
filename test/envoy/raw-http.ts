/** An HTTP/1.1 client that hides nothing: headers as they came, chunks one by one. */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";

export interface RawRequest {
  method?: string;
  headers?: Record<string, string | string[]>;
  /** In the pieces in which it is written. */
  body?: (string | Buffer)[];
}

export interface RawAnswer {
  status: number;
  statusMessage: string;
  /** Names and values in turn, as they came. */
  rawHeaders: string[];
  body: Buffer;
  trailers: string[];
  /** Whether the message came to its end. */
  complete: boolean;
}

/** Begins a request: on a connection of its own, so that leaving it is closing it. */
export function begin(url: string, { method = "POST", headers = {}, body = [] }: RawRequest): ClientRequest {
  const request = httpRequest(url, { method, headers, agent: false });
  // A single piece goes with a content-length, several are chunked unless the headers say otherwise.
  if (body.length === 1 && !("transfer-encoding" in headers)) {
    request.setHeader("content-length", Buffer.byteLength(body[0]));
  }
  for (const piece of body) request.write(piece);
  request.end();
  return request;
}

/** The response of a request, as soon as its headers are there. */
export function headOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
  });
}

/** Sends a request and reads the response to its end, be it cut. */
export async function exchange(url: string, request: RawRequest): Promise<RawAnswer> {
  return readAnswer(await headOf(begin(url, request)));
}

/** Reads the rest of a response, be it cut. */
export async function readAnswer(response: IncomingMessage): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // Cut: `complete` tells.
  }
  return {
    status: response.statusCode!,
    statusMessage: response.statusMessage!,
    rawHeaders: response.rawHeaders,
    body: Buffer.concat(chunks),
    trailers: response.rawTrailers,
    complete: response.complete,
  };
}

/** Sends a request and leaves once the first bytes of the response's body are there. */
export async function leaveAfterFirstChunk(url: string, raw: RawRequest): Promise<void> {
  const request = begin(url, raw);
  const response = await headOf(request);
  response.on("error", () => {});
  await once(response, "data");
  request.destroy();
}
