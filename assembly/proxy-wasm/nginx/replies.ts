import { HeaderBlock } from "../../host/header_block";
import { HeaderMap } from "../../host/header_map";
import { HostReplies } from "../replies";

/** Headers of the server's response that would describe its own body. */
const BODY_HEADERS = ["content-length", "content-encoding"];

/** NGINX's local replies. If the response has begun, a reply replaces its status and the first part of its body only. */
export class NginxReplies extends HostReplies {
  /** Whether the current stream's response has begun. */
  hasResponse: bool = false;

  constructor(private responseHeaders: HeaderMap) {
    super();
  }

  send(status: i32, details: string, at: usize, length: i32, headers: HeaderBlock): bool {
    for (let i = 0; this.hasResponse && i < BODY_HEADERS.length; i++) {
      this.responseHeaders.remove(unchecked(BODY_HEADERS[i]));
    }
    return super.send(status, details, at, length, headers);
  }
}
