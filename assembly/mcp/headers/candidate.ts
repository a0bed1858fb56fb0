import { ContentType } from "../../http/content_type";
import { HttpMethod } from "../../http/http_method";
import { RequestHead } from "./request_head";

/** Whether the request headers allow a stream to be MCP. `pathNamed`: the operator configured the path as an MCP path. */
export function isCandidate(head: RequestHead, pathNamed: bool): bool {
  switch (head.method) {
    case HttpMethod.Post:
      if (head.contentType != ContentType.Json) return false;
      return head.acceptsEventStream || head.hasMcpHeader || pathNamed || head.isAtEndpoint || head.isUnpaired;
    case HttpMethod.Get:
      // Servers also open a stream for clients that do not announce that they accept one.
      return head.acceptsEventStream || pathNamed;
    case HttpMethod.Delete:
      return head.sessionLength > 0;
    default:
      return false;
  }
}
