import { countReply } from "./garbage";
import { proxy_send_local_response, proxy_set_effective_context, Status } from "./abi";

const NO_GRPC_STATUS: i32 = -1;

/** Headers of a reply as the host takes them: the count, the lengths of each name and value, then these, each with a NUL
 *  behind. */
export class ReplyHeaders {
  readonly block: StaticArray<u8>;

  /** @param pairs names and values in turn, all ASCII. */
  constructor(pairs: string[]) {
    let size = sizeof<u32>() + pairs.length * (sizeof<u32>() + 1);
    for (let i = 0; i < pairs.length; i++) size += pairs[i].length;
    const block = new StaticArray<u8>(<i32>size);
    this.block = block;
    const start = changetype<usize>(block);
    store<u32>(start, pairs.length / 2);
    let at = start + sizeof<u32>() + pairs.length * sizeof<u32>();
    for (let i = 0; i < pairs.length; i++) {
      const text = pairs[i];
      store<u32>(start + (i + 1) * sizeof<u32>(), text.length);
      String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at);
      at += text.length + 1;
    }
  }
}

/** Answers the stream being served in place of its upstream, without a body where `length` is 0. `details` is what the
 *  proxy's access log shows as the response's code details: ASCII without blanks. False where the host refuses. */
export function sendLocalReply(status: i32, details: string, at: usize, length: i32, headers: ReplyHeaders): bool {
  countReply();
  const text = String.UTF8.encode(details);
  const result = proxy_send_local_response(
    status,
    changetype<usize>(text),
    text.byteLength,
    at,
    length,
    changetype<usize>(headers.block),
    headers.block.length,
    NO_GRPC_STATUS,
  );
  return result == Status.Ok;
}

/** Makes a stream, or a plugin instance, the one that host calls are about. False where there is none of this id: then
 *  they stay about another. */
export function serve(id: u32): bool {
  return proxy_set_effective_context(id) == Status.Ok;
}
