import { CallerKey, ServerKey } from "../../identity/keys";
import { CallerLabel } from "../../config/plugin_config";
import { Caller } from "../../identity/caller";
import { Callers } from "../../identity/callers";
import { Principals } from "../../identity/principals";
import { Servers } from "../../identity/servers";
import { keyedHash } from "../../memory/keyed_hash";
import { Events } from "../events";
import { Stream } from "../state/stream";

/** Resolves the server and the caller of a stream with host calls, once each, when they are first needed. */
export class Participants {
  private caller: Caller = new Caller();

  /**
   * @param principals reads the principals that sinks show; null if they show something else.
   * @param callerLabel what sinks show of callers.
   */
  constructor(
    private servers: Servers,
    private callers: Callers,
    private events: Events,
    private principals: Principals | null,
    readonly callerLabel: CallerLabel,
  ) {}

  /** The key of the server to which the stream goes. */
  serverOf(stream: Stream): ServerKey {
    if (!stream.server) {
      stream.server = this.servers.resolve();
      this.events.serverResolved(stream, this.servers.at, this.servers.length);
    }
    return stream.server;
  }

  /** The key of the caller: of its principal if the access policy has read one, otherwise of its address. 0 if nothing
   *  identifies the caller. */
  identityOf(stream: Stream): CallerKey {
    if (!stream.principal) return this.callerOf(stream);
    this.serverOf(stream);
    return stream.principal;
  }

  /** The key of the caller's address; 0 if there is none. */
  callerOf(stream: Stream): CallerKey {
    if (!stream.isCallerResolved) {
      this.serverOf(stream);
      stream.isCallerResolved = true;
      stream.caller = this.callers.resolve();
      this.events.callerResolved(stream, this.callers.at, this.callers.length);
    }
    return stream.caller;
  }

  /** Whether {@link nameCaller} must be called during the callback of the request headers. */
  get needsHeaders(): bool {
    const principals = this.principals;
    return principals != null && principals.needsHeaders;
  }

  /** Resolves, once, the address or principal that sinks show of the stream's caller. The first call must be in a request
   *  callback. Returns its key; 0 if there is none, or if sinks show something else. */
  nameCaller(stream: Stream): CallerKey {
    if (stream.isCallerNamed) return stream.namedCaller;
    stream.isCallerNamed = true;
    const principals = this.principals;
    if (this.callerLabel == CallerLabel.Address) {
      stream.namedCaller = this.callerOf(stream);
    } else if (principals) {
      this.serverOf(stream);
      const caller = this.caller;
      principals.findName(caller);
      if (caller.isAnonymous) return 0;
      stream.namedCaller = keyedHash(caller.at, caller.length);
      this.events.principalResolved(stream, caller.at, caller.length);
    }
    return stream.namedCaller;
  }
}
