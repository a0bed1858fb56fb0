import { GateRequest } from "../gate/stage/request";
import { HttpMethod } from "../http/http_method";
import { Caller } from "../identity/caller";
import { RequestHead } from "../mcp/headers/request_head";
import { UNKNOWN_REVISION } from "../mcp/protocol/revisions";
import { keyedHash, keyedTextHash } from "../memory/keyed_hash";
import { CheckedRequest } from "./checked_request";
import { RequestRefusal } from "./message/refusal";

/** Keeps the header values of a request that are needed once its messages are read. */
export function keepHead(check: CheckedRequest, head: RequestHead): void {
  check.mayBeEmpty = head.method != HttpMethod.Post && head.method != HttpMethod.Other;
  // Only at an exact endpoint: elsewhere a Streamable HTTP server may act on the headers.
  check.isHttpSse = head.isAtExactEndpoint;
  check.wantsStatus = head.isAtEndpoint || head.looksLikeHttpSse;
  check.isRewritable = head.isAtEndpoint;
  check.hasRevision = head.hasRevision;
  check.revision = head.namesTwoRevisions ? UNKNOWN_REVISION : head.revision;
  check.methodHash = head.mirrored.method;
  check.nameHash = head.mirrored.name;
  check.methodLineHash = head.mirrored.methodLine;
  check.nameLineHash = head.mirrored.nameLine;
  check.keepRequestId(head.requestId, head.requestIdLength);
}

/** Why the request must be rejected for its headers alone; None if it need not be. */
export function refusalOf(head: RequestHead, check: CheckedRequest): RequestRefusal {
  if (head.isUpgrade || head.method == HttpMethod.Connect) return RequestRefusal.Upgrade;
  if (head.compressed) return RequestRefusal.Compressed;
  return head.isPlainJson || check.mayBeEmpty ? RequestRefusal.None : RequestRefusal.ContentType;
}

/** Keeps the caller's identity for the request and for its stream. */
export function keepCaller(check: CheckedRequest, request: GateRequest, caller: Caller): void {
  check.keepPrincipal(caller);
  if (caller.isAnonymous) {
    request.owner = caller.addressTextLength ? keyedHash(caller.addressText, caller.addressTextLength) : 0;
    return;
  }
  const cut = caller.isCut ? 1 : 0;
  const principal = keyedTextHash(caller.at, caller.length, caller.length + cut);
  request.exchange.stream.principal = principal;
  request.owner = principal;
}
