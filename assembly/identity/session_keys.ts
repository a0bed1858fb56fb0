import { mix } from "../memory/bytes";
import { neverZero } from "../memory/keyed_hash";
import { Secret } from "../store/primitives/secret";
import { inBucketOf } from "../store/sessions";
import { CallerKey, ServerKey, SessionKey } from "./keys";

/** Computes the keys of sessions, and of a caller's view of a server: of the lists that the server shows to the caller. */
export class SessionKeys {
  /** @param secret the secret of the counting unit: sessions of different units have different keys. */
  constructor(private secret: Secret) {}

  /** The hash of a session id, `length` bytes; 0 if it is empty. */
  hashOfId(at: usize, length: i32): u64 {
    return length ? this.secret.hash(at, length) : 0;
  }

  /** The key of a session on a server, from the hash of the session id. */
  session(idHash: u64, server: ServerKey): SessionKey {
    return neverZero(mix(idHash ^ server));
  }

  /** The key of the HTTP+SSE session of an endpoint. It does not depend on the server, since the stream that announces the
   *  endpoint and the POSTs to it may be routed to different clusters. */
  endpointSession(endpoint: u64): SessionKey {
    return neverZero(mix(endpoint));
  }

  /** The key of a caller's activity window. `callerHeaders` is a hash of the configured headers that distinguish callers.
   *  `isNamed`: the client software's name is part of the identity (2026-07-28). All windows of a caller on a server are in
   *  one bucket of the store, which bounds their number. */
  window(
    server: ServerKey,
    caller: CallerKey,
    callerHeaders: u64,
    clientName: usize,
    clientNameLength: i32,
    isNamed: bool,
  ): SessionKey {
    const unnamed = this.secret.hashNumber(caller ^ mix(callerHeaders));
    const window = this.session(unnamed, server);
    if (!isNamed) return window;
    const client = this.secret.hash(clientName, clientNameLength);
    return inBucketOf(window, this.session(this.secret.hashNumber(unnamed ^ client), server));
  }

  /** The key of a caller's view of a server on a path. `path` is a keyed hash. */
  callerScope(server: ServerKey, caller: CallerKey, callerHeaders: u64, path: u64): u64 {
    return this.session(caller ^ mix(callerHeaders ^ mix(path)), server);
  }
}
