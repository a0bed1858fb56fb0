import { Stream } from "../../mcp/state/stream";
import { SpanWriter } from "../otlp/span_writer";

/** A span without its last links and its end: {@link length} bytes after this object. */
@unmanaged
class EndedSpan {
  /** Address of the next ended span of the stream, or of the next free object; 0 for none. */
  next: usize;
  length: i32;
  hasLinks: bool;
}

const HEAD: usize = (offsetof<EndedSpan>() + 7) & ~7;
/** Capacity in bytes of the blocks that are reused. Most spans fit. */
const ROOM: i32 = 2048;

let free: usize = 0;

/** Keeps the written span until its stream ends. Only then the span of the proxy's own tracer is known. */
export function keepUntilEnd(stream: Stream, writer: SpanWriter, hasLinks: bool): void {
  const at = blockFor(writer.length);
  const ended = changetype<EndedSpan>(at);
  ended.next = stream.trace.endedSpans;
  ended.length = writer.length;
  ended.hasLinks = hasLinks;
  memory.copy(at + HEAD, writer.at, writer.length);
  stream.trace.endedSpans = at;
}

/** Continues a kept span of the stream, and no longer keeps it. Returns false if there is none. */
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
