/** The filter with a further stage that reports waits for rules of `limits`. A request with the query `wait=N` reports a wait for
 *  the rule with the index N. */
import { Policy } from "../../../../assembly/access/policy/policy";
import { PluginConfig } from "../../../../assembly/config/plugin_config";
import { envoy } from "../../../../assembly/envoy_host";
import { ProxyHolding } from "../../../../assembly/filter/holding/proxy_holding";
import { Plugin } from "../../../../assembly/filter/plugin";
import { GateRequest, StageState } from "../../../../assembly/gate/stage/request";
import { Stage } from "../../../../assembly/gate/stage/stage";
import { StageHost } from "../../../../assembly/gate/stage/stage_host";
import { PASS, Verdict } from "../../../../assembly/gate/stage/verdict";
import { Stages } from "../../../../assembly/gate/stages";
import { NamedPaths } from "../../../../assembly/http/named_paths";
import { LimitRules } from "../../../../assembly/limits/rules/limit_rules";
import { RequestHead } from "../../../../assembly/mcp/headers/request_head";
import { LimitDecision } from "../../../../assembly/mcp/protocol/limit_decision";
import { indexOfIgnoringCase } from "../../../../assembly/memory/bytes";
import { Pool } from "../../../../assembly/memory/pool";
import { setRootFactory } from "../../../../assembly/proxy-wasm/module/contexts";
import { AccessLogs } from "../../../../assembly/trace/access_logs";

export * from "../../../../assembly/index";

const QUERY = "?wait=";
/** The duration of every wait in milliseconds. */
const WAITED_MS: u64 = 250;

@unmanaged
class Wait extends StageState {
  /** The address of the request. */
  request: usize;
  rule: i32;
}

const pool = new Pool(offsetof<Wait>());

/** Reports the start of a wait when a request's body has passed, and its end when the stream ends. */
class WaitingStage extends Stage {
  concerns(head: RequestHead, _endOfStream: bool): bool {
    return indexOfIgnoringCase(head.path, head.targetLength, QUERY) >= 0;
  }

  open(): StageState {
    return changetype<Wait>(pool.acquire());
  }

  begin(state: StageState, request: GateRequest, head: RequestHead): Verdict {
    const wait = changetype<Wait>(state);
    const at = head.path + indexOfIgnoringCase(head.path, head.targetLength, QUERY) + QUERY.length;
    wait.request = changetype<usize>(request);
    wait.rule = load<u8>(at) - 0x30;
    state.reads = true;
    return PASS;
  }

  grow(_state: StageState, _request: GateRequest): Verdict {
    return PASS;
  }

  conclude(_state: StageState, _request: GateRequest): Verdict {
    return PASS;
  }

  bytes(_state: StageState, _request: GateRequest, _at: usize, _length: usize): void {}

  end(state: StageState, request: GateRequest): void {
    request.services.events.limitDecided(request.exchange.stream, changetype<Wait>(state).rule, LimitDecision.Queued);
  }

  expire(_state: StageState, _request: GateRequest): Verdict {
    return PASS;
  }

  overload(_state: StageState, _request: GateRequest): Verdict {
    return PASS;
  }

  unwritable(_state: StageState, _request: GateRequest): Verdict {
    return PASS;
  }

  close(state: StageState): void {
    const wait = changetype<Wait>(state);
    const request = changetype<GateRequest>(wait.request);
    request.services.events.limitWaited(request.exchange.stream, wait.rule, WAITED_MS);
    pool.release(changetype<usize>(state));
  }
}

class TestStages extends Stages {
  ofOwn(
    config: PluginConfig,
    policy: Policy | null,
    limits: LimitRules | null,
    paths: NamedPaths,
    host: StageHost,
  ): Stage[] {
    const stages = super.ofOwn(config, policy, limits, paths, host);
    stages.push(new WaitingStage());
    return stages;
  }
}

setRootFactory((id) => {
  const proxy = envoy();
  return new Plugin(
    id,
    new TestStages(),
    proxy,
    new AccessLogs(proxy.filterState, proxy.log, proxy.clock),
    new ProxyHolding(),
  );
});
