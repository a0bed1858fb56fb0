import { TestModule } from "../module.ts";

export const KINDS = ["None", "Request", "Notification", "Response"] as const;
export const FAULTS = ["None", "NotJsonRpc", "Syntax", "Truncated", "Depth"] as const;
export const ID_KINDS = ["Absent", "Null", "String", "Number", "Invalid"] as const;

/** The `errorCode` if there is none that is a 32-bit integer. */
export const NO_CODE = -(2 ** 31);

export interface Envelope {
  readonly kind: (typeof KINDS)[number];
  readonly fault: (typeof FAULTS)[number];
  /** See {@link idText}. */
  readonly id: string;
  readonly isError: boolean;
  readonly errorCode: number;
  readonly size: number;
  /** The methods and the fields of the payload in the order of their arrival. */
  readonly texts: string[];
}

export interface Batch {
  readonly messages: Envelope[];
  /** The reason why it could not be read completely. */
  readonly fault: (typeof FAULTS)[number];
}

/** An id by its kind and hash. */
export function idText(kind: number, hash: bigint): string {
  const name = ID_KINDS[kind];
  return name === "Absent" ? name : `${name} ${BigInt.asUintN(64, hash).toString(16)}`;
}

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  end(): void;
  alikeHash(): bigint;
  alikeOfId(): number;
}

let texts: string[] = [];
let envelopes: Envelope[] = [];

/** The position of a message: the offsets of its opening brace and of the byte after its closing one. */
export interface MessageSpan {
  readonly start: number;
  readonly end: number;
}

let spans: MessageSpan[] = [];
let batchFault: Batch["fault"] | undefined;

const module: TestModule<Exports> = new TestModule("jsonrpc", {
  text(part: number, at: number, length: number): void {
    texts.push(`${["More", "Method", "Payload"][part]} ${module.bytes(at, length).toString()}`);
  },
  message(
    kind: number,
    fault: number,
    idKind: number,
    idHash: bigint,
    isError: number,
    errorCode: number,
    start: bigint,
    end: bigint,
  ): void {
    if (KINDS[kind] !== "None") spans.push({ start: Number(start), end: Number(end) });
    envelopes.push({
      kind: KINDS[kind],
      fault: FAULTS[fault],
      id: idText(idKind, idHash),
      isError: isError !== 0,
      errorCode,
      size: Number(end - start),
      texts,
    });
    texts = [];
  },
  batch(fault: number): void {
    batchFault = FAULTS[fault];
  },
});

/** Reads a single message from chunks. */
export function readEnvelope(chunks: readonly Uint8Array[]): Envelope {
  readChunks(chunks);
  if (batchFault !== undefined) throw new Error("a batch");
  return envelopes[0];
}

/** Reads a batch from chunks. */
export function readBatch(chunks: readonly Uint8Array[]): Batch {
  readChunks(chunks);
  if (batchFault === undefined) throw new Error("no batch");
  return { messages: envelopes, fault: batchFault };
}

/** The positions of the messages in a batch, or of a single message, read from chunks. */
export function locateMessages(chunks: readonly Uint8Array[]): MessageSpan[] {
  readChunks(chunks);
  return spans;
}

function readChunks(chunks: readonly Uint8Array[]): void {
  const { exports } = module;
  texts = [];
  envelopes = [];
  spans = [];
  batchFault = undefined;
  exports.begin();
  for (const chunk of chunks) module.lend(chunk, (at, length) => exports.feed(at, length));
  exports.end();
}

const ids = new Map<string, string>();
/** So that millions of messages may be read. */
const IDS_KEPT = 10_000;

/** The {@link Envelope.id} of an id with this spelling. */
export function idOf(json: string): string {
  let id = ids.get(json);
  if (id === undefined) {
    id = readEnvelope([Buffer.from(`{"jsonrpc":"2.0","method":"m","id":${json}}`)]).id;
    if (ids.size === IDS_KEPT) ids.clear();
    ids.set(json, id);
  }
  return id;
}

/** The id of the other type that clients treat as equal, in the form of {@link idOf}; empty if there is none. */
export function alikeOf(json: string): string {
  readChunks([Buffer.from(`{"jsonrpc":"2.0","result":{},"id":${json}}`)]);
  const { exports } = module;
  const hash = exports.alikeHash();
  return hash === 0n ? "" : idText(exports.alikeOfId(), hash);
}
