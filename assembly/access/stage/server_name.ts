import { Servers } from "../../identity/servers";
import { Call } from "../../rules/message/call";
import { Policy } from "../policy/policy";

/** Gives messages the name of the server that they go to: before they are decided where rules depend on it, else only for logs,
 *  since that asks the host. */
export class ServerName {
  constructor(
    private servers: Servers,
    private policy: Policy,
  ) {}

  /** Sets what rules need to know. */
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
    // Where the configured name has no value, rules must not mistake the name of the cluster for it.
    call.setServer(servers.at, servers.isFallback ? 0 : servers.length);
  }
}
