import { countReply } from "./garbage";
import { proxy_send_local_response, proxy_set_effective_context, Status } from "./abi";

/** `content-type: application/json` as the host takes headers: the count, the lengths of name and value, then each with a
 *  NUL behind. */
const JSON_HEADERS: usize = memory.data<u8>([
  1, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0, 0x63, 0x6f, 0x6e, 0x74, 0x65, 0x6e, 0x74, 0x2d, 0x74, 0x79, 0x70, 0x65, 0, 0x61,
  0x70, 0x70, 0x6c, 0x69, 0x63, 0x61, 0x74, 0x69, 0x6f, 0x6e, 0x2f, 0x6a, 0x73, 0x6f, 0x6e, 0,
]);
const JSON_HEADERS_SIZE: usize = 42;
const NO_HEADERS: usize = memory.data<u8>([0, 0, 0, 0]);
const NO_GRPC_STATUS: i32 = -1;

/** Answers the stream being served in place of its upstream: with JSON, or without a body where `length` is 0. `details` is
 *  what the proxy's access log shows as the response's code details: ASCII without blanks. False where the host refuses. */
export function sendLocalReply(status: i32, details: string, at: usize, length: i32): bool {
  countReply();
  const text = String.UTF8.encode(details);
  const result = proxy_send_local_response(
    status,
    changetype<usize>(text),
    text.byteLength,
    at,
    length,
    length ? JSON_HEADERS : NO_HEADERS,
    length ? JSON_HEADERS_SIZE : sizeof<u32>(),
    NO_GRPC_STATUS,
  );
  return result == Status.Ok;
}

/** Makes a stream, or a plugin instance, the one that host calls are about. False where there is none of this id: then
 *  they stay about another. */
export function serve(id: u32): bool {
  return proxy_set_effective_context(id) == Status.Ok;
}
