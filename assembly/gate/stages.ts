import { Policy } from "../access/policy/policy";
import { AccessStage } from "../access/stage/access_stage";
import { RuleMode } from "../config/rules/rule_config";
import { PluginConfig } from "../config/plugin_config";
import { NamedPaths } from "../http/named_paths";
import { LimitRules } from "../limits/rules/limit_rules";
import { LimitStage } from "../limits/stage/limit_stage";
import { Stage } from "./stage/stage";
import { StageHost } from "./stage/stage_host";

/** Creates the stages of configurations. */
export class Stages {
  /** The stages of an instance's active configuration, in the order in which they decide: the access policy first,
   *  then the limits, if there are any. `paths` are those of `match.paths`. */
  ofOwn(
    config: PluginConfig,
    policy: Policy | null,
    limits: LimitRules | null,
    paths: NamedPaths,
    host: StageHost,
  ): Stage[] {
    const stages: Stage[] = [];
    if (policy) stages.push(new AccessStage(config, policy, paths, host, false));
    if (limits) stages.push(new LimitStage(config, limits, paths, host));
    return stages;
  }

  /** The stage of a newer configuration, which leads and has a policy, on an instance that applies an older one.
   *  Null if it denies nothing because the policy is in shadow mode. */
  ofNewer(config: PluginConfig, host: StageHost): Stage | null {
    const access = config.access!;
    if (access.mode == RuleMode.Shadow) return null;
    return new AccessStage(
      config,
      new Policy(access, config.identity, config.hold),
      new NamedPaths(config.matchPaths),
      host,
      true,
    );
  }
}
