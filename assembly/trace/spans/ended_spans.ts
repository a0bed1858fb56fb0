import { Stream } from "../../mcp/state/stream";
import { SpanWriter } from "../otlp/span_writer";

/** A span without its last links and its end: {@link length} bytes behind this object. */
@unmanaged
class EndedSpan {
  /** The address of the next one of the stream, or of the next free one; 0 for none. */
  next: usize;
  length: i32;
  hasLinks: bool;
}

const HEAD: usize = (offsetof<EndedSpan>() + 7) & ~7;
/** Bytes of the blocks that are used again: most spans fit. */
const ROOM: i32 = 2048;

let free: usize = 0;

/** Keeps what the writer has written of a span until its stream ends, when the span of the proxy's own tracer is known. */
export function keepUntilEnd(stream: Stream, writer: SpanWriter, hasLinks: bool): void {
  const at = blockFor(writer.length);
  const ended = changetype<EndedSpan>(at);
  ended.next = stream.trace.endedSpans;
  ended.length = writer.length;
  ended.hasLinks = hasLinks;
  memory.copy(at + HEAD, writer.at, writer.length);
  stream.trace.endedSpans = at;
}

/** Goes on with a span of the stream, which is no longer kept. False where there is none. */
export function resumeKept(stream: Stream, writer: SpanWriter): bool {
  const at = stream.trace.endedSpans;
  if (!at) return false;
  const ended = changetype<EndedSpan>(at);
  stream.trace.endedSpans = ended.next;
  writer.resume(at + HEAD, ended.length, ended.hasLinks);
  if (ended.length > ROOM) {
    heap.free(at);
  } else {
    ended.next = free;
    free = at;
  }
  return true;
}

function blockFor(length: i32): usize {
  if (length > ROOM) return heap.alloc(HEAD + length);
  if (!free) return heap.alloc(HEAD + ROOM);
  const at = free;
  free = changetype<EndedSpan>(at).next;
  return at;
}
