import { Servers } from "../../identity/servers";
import { RuleInput } from "../../rules/message/rule_input";
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
  setFor(input: RuleInput): void {
    if (this.policy.needsServer) this.set(input);
    else input.setServer(0, 0);
  }

  /** Sets the name for logs. */
  setForLog(input: RuleInput): void {
    if (!this.policy.needsServer) this.set(input);
  }

  private set(input: RuleInput): void {
    const servers = this.servers;
    servers.resolve();
    // If the configured name has no value, rules must not use the cluster's name in its place.
    input.setServer(servers.at, servers.isFallback ? 0 : servers.length);
  }
}
