/** Replays captures as they happened, with overlapping streams in the order of time. */
import { type CapturedEvent, captureNames, readEvents } from "../../fixtures/captures.ts";
import { type HttpStream, type Plugin, requestHead, responseHead } from "../../../scripts/host/index.ts";
import { passSeconds } from "./filter.ts";

/** Cuts a body into chunks. */
export type Cut = (body: Uint8Array) => Uint8Array[];

export const whole: Cut = (body) => [body];

/** The events of the capture of this number, in the order of time. */
export function eventsOf(number: string): CapturedEvent[] {
  return readEvents(captureNames().find((name) => name.startsWith(number))!);
}

/**
 * Replays a capture. Each of its streams passes the next worker in turn, each part of a body in the chunks that `cut` makes
 * of it. Streams that the capture leaves open are closed by their client. Finally some seconds pass, so that everything is
 * reported.
 */
export function replay(workers: readonly Plugin[], events: readonly CapturedEvent[], cut: Cut = whole): void {
  const streams = new Map<number, HttpStream>();
  for (const event of events) {
    const stream = streams.get(event.number) ?? workers[event.number % workers.length].stream();
    streams.set(event.number, stream);
    pass(stream, event, cut);
    if (event.ended !== undefined) streams.delete(event.number);
  }
  for (const stream of streams.values()) if (stream.reply === undefined) stream.reset("client");
  passSeconds(workers, 14);
}

function pass(stream: HttpStream, { request, head, chunk, ended }: CapturedEvent, cut: Cut): void {
  // The module has sent a local reply, so the stream has ended.
  if (stream.reply !== undefined) return;
  if (request !== undefined) {
    const pieces = request.body.length > 0 ? [...cut(request.body), new Uint8Array()] : [];
    stream.requestHeaders(requestHead(request), pieces.length === 0);
    pieces.forEach((piece, index) => {
      if (stream.reply === undefined) stream.requestBody(piece, index === pieces.length - 1);
    });
  } else if (head !== undefined) {
    stream.responseHeaders(responseHead(head));
  } else if (chunk !== undefined) {
    for (const piece of cut(chunk)) stream.responseBody(piece);
  } else if (ended === "complete") {
    stream.responseBody(new Uint8Array(), true);
    stream.end();
  } else {
    stream.reset("client");
  }
}
