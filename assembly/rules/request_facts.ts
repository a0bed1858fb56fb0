import { GateRequest } from "../gate/stage/request";
import { HttpMethod } from "../http/http_method";
import { Caller } from "../identity/caller";
import { RequestHead } from "../mcp/headers/request_head";
import { UNKNOWN_REVISION } from "../mcp/protocol/revisions";
import { keyedHash, keyedTextHash } from "../memory/keyed_hash";
import { RequestState } from "./request_state";
import { RequestFault } from "./message/request_fault";

/** Keeps the header values of a request that are needed once its messages are read. */
export function keepHead(state: RequestState, head: RequestHead): void {
  state.mayBeEmpty = head.method != HttpMethod.Post && head.method != HttpMethod.Other;
  // Only at an exact endpoint: elsewhere a Streamable HTTP server may act on the headers.
  state.isHttpSse = head.isAtExactEndpoint;
  state.wantsStatus = head.isAtEndpoint || head.looksLikeHttpSse;
  state.isRewritable = head.isAtEndpoint;
  state.hasRevision = head.hasRevision;
  state.revision = head.namesTwoRevisions ? UNKNOWN_REVISION : head.revision;
  state.methodHash = head.mirrored.method;
  state.nameHash = head.mirrored.name;
  state.methodLineHash = head.mirrored.methodLine;
  state.nameLineHash = head.mirrored.nameLine;
  state.keepRequestId(head.requestId, head.requestIdLength);
}

/** Why the request must be rejected for its headers alone; None if it need not be. */
export function faultOf(head: RequestHead, state: RequestState): RequestFault {
  if (head.isUpgrade || head.method == HttpMethod.Connect) return RequestFault.Upgrade;
  if (head.compressed) return RequestFault.Compressed;
  return head.isPlainJson || state.mayBeEmpty ? RequestFault.None : RequestFault.ContentType;
}

/** Keeps the caller's identity for the request and for its stream. */
export function keepCaller(state: RequestState, request: GateRequest, caller: Caller): void {
  state.keepPrincipal(caller);
  if (caller.isAnonymous) {
    request.owner = caller.addressTextLength ? keyedHash(caller.addressText, caller.addressTextLength) : 0;
    return;
  }
  const cut = caller.isCut ? 1 : 0;
  const principal = keyedTextHash(caller.at, caller.length, caller.length + cut);
  request.exchange.stream.principal = principal;
  request.owner = principal;
}
