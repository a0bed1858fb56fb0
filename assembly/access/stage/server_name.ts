import { Servers } from "../../identity/servers";
import { Call } from "../../rules/message/call";
import { Policy } from "../policy/policy";

/**
 * Sets the name of a message's destination server: before the decision if rules depend on it, otherwise only for logs,
 * because it takes a host call.
 */
export class ServerName {
  constructor(
    private servers: Servers,
    private policy: Policy,
  ) {}

  /** Sets the name for the rules; empty if they do not need it. */
  setFor(call: Call): void {
    if (this.policy.needsServer) this.set(call);
    else call.setServer(0, 0);
  }

  /** Sets the name for logs. */
  setForLog(call: Call): void {
    if (!this.policy.needsServer) this.set(call);
  }

  private set(call: Call): void {
    const servers = this.servers;
    servers.resolve();
    // If the configured name has no value, rules must not use the cluster's name in its place.
    call.setServer(servers.at, servers.isFallback ? 0 : servers.length);
  }
}
