import { CallerKey, ServerKey } from "../../identity/keys";
import { Callers } from "../../identity/callers";
import { Servers } from "../../identity/servers";
import { Events } from "../events";
import { Stream } from "../state/stream";

/** Resolves the server and the caller of a stream when they are first needed, once each: that asks the host. */
export class Participants {
  /** @param namesCallers sinks name the callers of operations. */
  constructor(
    private servers: Servers,
    private callers: Callers,
    private events: Events,
    readonly namesCallers: bool,
  ) {}

  /** The key of the server that the stream goes to. */
  serverOf(stream: Stream): ServerKey {
    if (!stream.server) {
      stream.server = this.servers.resolve();
      this.events.serverResolved(stream, this.servers.at, this.servers.length);
    }
    return stream.server;
  }

  /** The key of the stream's caller; 0 where nothing identifies it. */
  callerOf(stream: Stream): CallerKey {
    if (!stream.isCallerResolved) {
      this.serverOf(stream);
      stream.isCallerResolved = true;
      stream.caller = this.callers.resolve();
      this.events.callerResolved(stream, this.callers.at, this.callers.length);
    }
    return stream.caller;
  }
}
