import { ContentType } from "../../http/content_type";
import { HttpMethod } from "../../http/http_method";
import { RequestHead } from "./request_head";

/** Whether a stream may be MCP by its request's headers. `pathNamed`: the operator named its path as one of MCP. */
export function isCandidate(head: RequestHead, pathNamed: bool): bool {
  switch (head.method) {
    case HttpMethod.Post:
      if (head.contentType != ContentType.Json) return false;
      return head.acceptsEventStream || head.hasMcpHeader || pathNamed || head.isAtEndpoint || head.isUnpaired;
    case HttpMethod.Get:
      // Servers open a stream also for clients that do not say that they accept one.
      return head.acceptsEventStream || pathNamed;
    case HttpMethod.Delete:
      return head.sessionLength > 0;
    default:
      return false;
  }
}
