import { ID_TEXT_LIMIT } from "../../jsonrpc/message_reader";
import { Pool } from "../../memory/pool";
import { StreamTrace } from "./stream_trace";

/** What kind of context a span links to, besides that of its parent. */
export enum OtherContext {
  None,
  /** That of the application, in `_meta`. */
  Meta,
  /** That of the mesh, in the request's headers. */
  Transport,
}

/** What rejected an operation. */
export enum RejectingRule {
  None,
  /** A rule of the access policy, or a `SpecialRule`. */
  Access,
  /** A rule of the limits, or a `SpecialLimit`. */
  Limit,
  /** Several rules have rejected messages of the request. */
  Several,
}

/** Times of progress that a span keeps. */
export const PROGRESS_LIMIT: u32 = 16;

/**
 * What traces keep of an operation while it is open; only they read and change it. An operation that waits for its answer
 * takes the first {@link PACKED_SPAN} bytes and the id along into the store: a change of their layout needs another FORMAT.
 * Pooled.
 */
@unmanaged
export class Span {
  /** The id of its trace; 0 where that depends on the operation's end. */
  traceHigh: u64;
  traceLow: u64;
  spanId: u64;
  /** 0 where it has no parent. */
  parentId: u64;
  /** The span of the context that is not the parent, of the kind `other`. */
  otherHigh: u64;
  otherLow: u64;
  otherId: u64;
  /** The trace of its session where that is another one; 0 for none. */
  sessionHigh: u64;
  sessionLow: u64;
  /** Times in nanoseconds: when the request arrived, when the first byte of the answer's body passed, when a limit began to
   *  hold it, when the server got it after that; 0 for never. */
  startedAt: u64;
  firstByteAt: u64;
  queuedAt: u64;
  admittedAt: u64;
  /** Progress that has been reported. */
  progress: u32;
  /** The index of the rule that rejected it, and its kind: see {@link RejectingRule}. */
  rule: i32;
  ruleKind: u8;
  /** Of {@link OtherContext}. */
  other: u8;
  /** It is exported, whatever becomes of the operation. */
  isSampled: bool;
  /** Bytes of the text of the request's JSON-RPC id. */
  idLength: u8;
  /** Always 0. */
  unused: u32;

  /** Times of progress that are kept. */
  progressTimes: u32;
  /** It has been found worth exporting, at its end. */
  isKept: bool;
  /** The trace flags of the context that is not the parent. */
  otherFlags: u8;
  /** Where `open_spans.ts` lists it: the key of its session, 0 for nowhere, and the addresses of its neighbours or 0. */
  listedUnder: u64;
  older: usize;
  newer: usize;

  static take(): Span {
    return changetype<Span>(pool.take());
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The text of the request's JSON-RPC id. */
  get idText(): usize {
    return changetype<usize>(this) + offsetof<Span>();
  }

  keepId(at: usize, length: u32): void {
    this.idLength = <u8>length;
    memory.copy(this.idText, at, length);
  }

  /** Keeps the times that the operation's own stream has: to be called before that ends. */
  keepTimes(trace: StreamTrace): void {
    this.queuedAt = trace.queuedAt;
    this.firstByteAt = trace.firstByteAt;
  }

  /** When progress was reported, in nanoseconds: of the first {@link progressTimes} reports. */
  progressAt(index: u32): u64 {
    return load<u64>(this.times + index * sizeof<u64>());
  }

  /** Progress was reported `count` times. */
  addProgress(now: u64, count: u32): void {
    for (let i: u32 = 0; i < count && this.progressTimes < PROGRESS_LIMIT; i++) {
      store<u64>(this.times + this.progressTimes++ * sizeof<u64>(), now);
    }
    this.progress += count;
  }

  private get times(): usize {
    return this.idText + ID_TEXT_LIMIT;
  }
}

const pool = new Pool(offsetof<Span>() + ID_TEXT_LIMIT + PROGRESS_LIMIT * sizeof<u64>());

/** Bytes of a span that are packed as they are. */
export const PACKED_SPAN: usize = 120;

if (
  offsetof<Span>("traceHigh") != 0 ||
  offsetof<Span>("spanId") != 16 ||
  offsetof<Span>("otherHigh") != 32 ||
  offsetof<Span>("sessionHigh") != 56 ||
  offsetof<Span>("startedAt") != 72 ||
  offsetof<Span>("progress") != 104 ||
  offsetof<Span>("ruleKind") != 112 ||
  offsetof<Span>("idLength") != 115 ||
  offsetof<Span>("progressTimes") != PACKED_SPAN
)
  ERROR("The layout of Span has changed: see FORMAT.");
