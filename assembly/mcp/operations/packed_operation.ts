import { ServerKey, SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { ID_TEXT_LIMIT } from "../../jsonrpc/message_reader";
import { METHOD_COUNT, Method } from "../protocol/methods";
import { TOKEN_KIND_COUNT } from "../protocol/token_kinds";
import { ADMISSION_LIMIT, ADMISSION_RECORD, Admission } from "../state/admission";
import { Operation } from "../state/operation";
import { PACKED_SPAN, Span } from "../state/span";
import { CLIENT_NAME_LIMIT, NAME_LIMIT } from "../protocol/limits";

/**
 * The layout of a waiting operation in shared data, little-endian. One byte each: the method; the kind of the id; whether
 * the server sent the request (1), and if so, whether it may be replayed (3); the lengths of both names; the number of
 * records of the admission; and whether there is a span, with the length of its id. Then the fields below, the names, the
 * records, and the span with its id. A change of the layout requires another FORMAT of the store.
 */
const METHOD_AT: usize = 0;
const ID_KIND_AT: usize = 1;
const FROM_SERVER_AT: usize = 2;
const MAY_BE_REPLAYED: u8 = 2;
const NAME_LENGTH_AT: usize = 3;
const CLIENT_NAME_LENGTH_AT: usize = 4;
const ADMISSION_COUNT_AT: usize = 5;
/** 0 without a span; otherwise the length of its id in bytes, plus 1. */
const SPAN_AT: usize = 6;
const SERVER_AT: usize = 8;
const CALLER_AT: usize = 16;
const ID_HASH_AT: usize = 24;
const REQUEST_SIZE_AT: usize = 32;
const CURSOR_AT: usize = 40;
/** The start in nanoseconds. */
const STARTED_AT: usize = 48;
const SESSION_AT: usize = 56;
const CALL_HASH_AT: usize = 64;
const TASK_AT: usize = 72;
/** The estimated tokens by kind, 4 bytes each. */
const TOKENS_AT: usize = 80;
const NAMES_AT: usize = 112;

if (NAMES_AT != TOKENS_AT + TOKEN_KIND_COUNT * sizeof<u32>())
  ERROR("The layout of a packed operation does not match the number of token kinds.");
if (NAME_LIMIT > 255 || METHOD_COUNT > 255) ERROR("These values must fit in one byte of a packed operation.");

/** The maximum size of a packed operation in bytes. */
export const PACKED_LIMIT: usize =
  NAMES_AT + NAME_LIMIT + CLIENT_NAME_LIMIT + <usize>ADMISSION_LIMIT * ADMISSION_RECORD + PACKED_SPAN + ID_TEXT_LIMIT;

/** Writes a waiting operation to `to`, which has room for {@link PACKED_LIMIT} bytes. The target's name is included only if
 *  `hasName`. Returns the number of bytes. */
export function packOperation(operation: Operation, hasName: bool, to: usize): u32 {
  const nameLength = hasName ? operation.nameLength : 0;
  store<u64>(to, 0);
  store<u8>(to, <u8>operation.method, METHOD_AT);
  store<u8>(to, <u8>operation.idKind, ID_KIND_AT);
  store<u8>(to, (<u8>operation.fromServer) | (operation.mayBeReplayed ? MAY_BE_REPLAYED : 0), FROM_SERVER_AT);
  store<u8>(to, <u8>nameLength, NAME_LENGTH_AT);
  store<u8>(to, <u8>operation.clientNameLength, CLIENT_NAME_LENGTH_AT);
  store<u64>(to, operation.server, SERVER_AT);
  store<u64>(to, operation.caller, CALLER_AT);
  store<u64>(to, operation.idHash, ID_HASH_AT);
  store<u64>(to, operation.requestSize, REQUEST_SIZE_AT);
  store<u64>(to, operation.cursor, CURSOR_AT);
  store<u64>(to, operation.startedAt, STARTED_AT);
  store<u64>(to, operation.session, SESSION_AT);
  store<u64>(to, operation.callHash, CALL_HASH_AT);
  store<u64>(to, operation.task, TASK_AT);
  for (let kind = 0; kind < TOKEN_KIND_COUNT; kind++) {
    store<u32>(to + TOKENS_AT + kind * sizeof<u32>(), operation.tokens(kind));
  }
  memory.copy(to + NAMES_AT, operation.name, nameLength);
  memory.copy(to + NAMES_AT + nameLength, operation.clientName, operation.clientNameLength);
  let length = <u32>NAMES_AT + nameLength + operation.clientNameLength;
  if (operation.admission) {
    const admission = changetype<Admission>(operation.admission);
    const size = <u32>admission.count * <u32>ADMISSION_RECORD;
    store<u8>(to, <u8>admission.count, ADMISSION_COUNT_AT);
    memory.copy(to + length, admission.record(0), size);
    length += size;
  }
  if (operation.span) {
    const span = changetype<Span>(operation.span);
    store<u8>(to, span.idLength + 1, SPAN_AT);
    memory.copy(to + length, operation.span, PACKED_SPAN);
    memory.copy(to + length + PACKED_SPAN, span.idText, span.idLength);
    length += <u32>PACKED_SPAN + span.idLength;
  }
  return length;
}

/** Creates a waiting operation from the bytes that {@link packOperation} wrote; null if they are not valid. */
export function unpackOperation(from: usize, length: u32): Operation | null {
  if (!isPacked(from, length)) return null;
  const operation = Operation.acquire();
  operation.isParked = true;
  operation.method = load<u8>(from, METHOD_AT);
  operation.idKind = load<u8>(from, ID_KIND_AT);
  operation.fromServer = load<u8>(from, FROM_SERVER_AT) != 0;
  operation.mayBeReplayed = (load<u8>(from, FROM_SERVER_AT) & MAY_BE_REPLAYED) != 0;
  operation.server = load<u64>(from, SERVER_AT);
  operation.caller = load<u64>(from, CALLER_AT);
  operation.idHash = load<u64>(from, ID_HASH_AT);
  operation.requestSize = load<u64>(from, REQUEST_SIZE_AT);
  operation.cursor = load<u64>(from, CURSOR_AT);
  operation.startedAt = load<u64>(from, STARTED_AT);
  operation.session = load<u64>(from, SESSION_AT);
  operation.callHash = load<u64>(from, CALL_HASH_AT);
  operation.task = load<u64>(from, TASK_AT);
  for (let kind = 0; kind < TOKEN_KIND_COUNT; kind++) {
    operation.addTokens(kind, load<u32>(from + TOKENS_AT + kind * sizeof<u32>()));
  }
  const nameLength = load<u8>(from, NAME_LENGTH_AT);
  operation.setName(from + NAMES_AT, nameLength);
  operation.setClientName(from + NAMES_AT + nameLength, load<u8>(from, CLIENT_NAME_LENGTH_AT));
  let at = from + NAMES_AT + nameLength + operation.clientNameLength;
  const count = load<u8>(from, ADMISSION_COUNT_AT);
  if (count) {
    const admission = Admission.acquire(operation.idKind, operation.idHash);
    admission.count = count;
    const size = <usize>count * ADMISSION_RECORD;
    memory.copy(admission.record(0), at, size);
    operation.admission = changetype<usize>(admission);
    at += size;
  }
  const spanMark = load<u8>(from, SPAN_AT);
  if (spanMark) {
    const span = Span.acquire();
    memory.copy(changetype<usize>(span), at, PACKED_SPAN);
    span.keepId(at + PACKED_SPAN, spanMark - 1);
    operation.span = changetype<usize>(span);
  }
  return operation;
}

/** The key of a packed operation's server. */
export function packedServer(at: usize): ServerKey {
  return load<u64>(at, SERVER_AT);
}

export function packedSession(at: usize): SessionKey {
  return load<u64>(at, SESSION_AT);
}

/** Whether the server sent the request of a packed operation. */
export function packedFromServer(at: usize): bool {
  return load<u8>(at, FROM_SERVER_AT) != 0;
}

export function packedMethod(at: usize): Method {
  return load<u8>(at, METHOD_AT);
}

/** The start of a packed operation, in nanoseconds of the host's clock. */
export function packedStart(at: usize): u64 {
  return load<u64>(at, STARTED_AT);
}

/** The address of a packed operation's target name, {@link packedNameLength} bytes. */
export function packedName(at: usize): usize {
  return at + NAMES_AT;
}

export function packedNameLength(at: usize): i32 {
  return load<u8>(at, NAME_LENGTH_AT);
}

/** Whether these bytes are a packed operation. Checks everything on which readers rely. */
export function isPacked(at: usize, length: u32): bool {
  if (length < <u32>NAMES_AT) return false;
  const nameLength: u32 = load<u8>(at, NAME_LENGTH_AT);
  const clientNameLength: u32 = load<u8>(at, CLIENT_NAME_LENGTH_AT);
  const count: u32 = load<u8>(at, ADMISSION_COUNT_AT);
  const spanMark: u32 = load<u8>(at, SPAN_AT);
  const spanSize: u32 = spanMark ? <u32>PACKED_SPAN + spanMark - 1 : 0;
  return (
    nameLength <= NAME_LIMIT &&
    clientNameLength <= CLIENT_NAME_LIMIT &&
    count <= <u32>ADMISSION_LIMIT &&
    spanMark <= <u32>ID_TEXT_LIMIT + 1 &&
    length == <u32>NAMES_AT + nameLength + clientNameLength + count * <u32>ADMISSION_RECORD + spanSize &&
    load<u8>(at, METHOD_AT) < <u8>METHOD_COUNT &&
    load<u8>(at, ID_KIND_AT) <= <u8>IdKind.Invalid
  );
}
