import { HeaderBlock } from "../host/header_block";
import { Replies } from "../host/replies";
import { Status, proxy_send_local_response } from "./module/abi";
import { countReply } from "./module/garbage";

const NO_GRPC_STATUS: i32 = -1;

/** The proxy's local replies. */
export class HostReplies extends Replies {
  send(status: i32, details: string, at: usize, length: i32, headers: HeaderBlock): bool {
    countReply();
    const text = String.UTF8.encode(details);
    const result = proxy_send_local_response(
      status,
      changetype<usize>(text),
      text.byteLength,
      at,
      length,
      headers.at,
      headers.length,
      NO_GRPC_STATUS,
    );
    return result == Status.Ok;
  }
}
