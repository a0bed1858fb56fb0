/** The filter with a second stage after the access policy. Tests control it by the query of their requests. */
import { Policy } from "../../../../assembly/access/policy/policy";
import { PluginConfig } from "../../../../assembly/config/plugin_config";
import { envoy } from "../../../../assembly/envoy_host";
import { ProxyHolding } from "../../../../assembly/filter/holding/proxy_holding";
import { Plugin } from "../../../../assembly/filter/plugin";
import { GateRequest, StageState } from "../../../../assembly/gate/stage/request";
import { Stage } from "../../../../assembly/gate/stage/stage";
import { StageHost } from "../../../../assembly/gate/stage/stage_host";
import { HOLD, PASS, Verdict } from "../../../../assembly/gate/stage/verdict";
import { Stages } from "../../../../assembly/gate/stages";
import { HeaderBlock } from "../../../../assembly/host/header_block";
import { Level } from "../../../../assembly/host/log";
import { HttpMethod } from "../../../../assembly/http/http_method";
import { NamedPaths } from "../../../../assembly/http/named_paths";
import { LimitRules } from "../../../../assembly/limits/rules/limit_rules";
import { RequestHead } from "../../../../assembly/mcp/headers/request_head";
import { Outcome } from "../../../../assembly/mcp/protocol/outcome";
import { Bytes, indexOfIgnoringCase } from "../../../../assembly/memory/bytes";
import { Pool } from "../../../../assembly/memory/pool";
import { setRootFactory } from "../../../../assembly/proxy-wasm/module/contexts";
import { AccessLogs } from "../../../../assembly/trace/access_logs";

export * from "../../../../assembly/index";

/** The maximum size of a held body in bytes. A larger body is answered before it ends. */
const LARGEST: usize = 2000;
const BODY = Bytes.of('{"by":"stage"}');

@unmanaged
class Counted extends StageState {
  bytes: usize;
  isQueued: bool;
}

/** Requests that are held after their ends: the address of each, followed by the address of its state. */
const queue: usize[] = [];

const pool = new Pool(offsetof<Counted>());

/**
 * Is concerned with every POST whose query holds `stage=`, and logs what it is asked:
 * - `answer` answers the request when it has read the headers.
 * - `hold` holds the request until its end, and answers it if it is too long or its body contains `teapot`. `queue` does the
 *   same, and holds the request after its end.
 * - `pass` and `refuse` pass or answer the oldest request of the queue. The request with this query passes, and its body is
 *   read.
 */
class QueryStage extends Stage {
  private headers: HeaderBlock = new HeaderBlock(["content-type", "application/json"]);

  constructor(private host: StageHost) {
    super();
  }

  concerns(head: RequestHead, endOfStream: bool): bool {
    return head.method == HttpMethod.Post && says(head, "stage=");
  }

  open(): StageState {
    return changetype<Counted>(pool.acquire());
  }

  begin(state: StageState, request: GateRequest, head: RequestHead): Verdict {
    this.log("begin");
    if (says(head, "stage=answer")) return this.answer(429, "stage_answers");
    const counted = changetype<Counted>(state);
    counted.isQueued = says(head, "stage=queue");
    if (counted.isQueued || says(head, "stage=hold")) return HOLD;
    if (says(head, "stage=pass")) this.release(PASS, request);
    if (says(head, "stage=refuse")) this.release(this.answer(429, "stage_refuses"), request);
    state.reads = true;
    return PASS;
  }

  grow(state: StageState, request: GateRequest): Verdict {
    this.log("grow " + request.heldBytes.toString());
    return request.heldBytes > LARGEST ? this.answer(413, "stage_too_large") : HOLD;
  }

  conclude(state: StageState, request: GateRequest): Verdict {
    this.log("conclude " + request.heldBytes.toString());
    const body = this.host.body;
    let isTeapot = false;
    body.begin(request.heldBytes);
    while (body.next()) isTeapot = isTeapot || indexOfIgnoringCase(body.at, body.length, "teapot") >= 0;
    if (isTeapot) return this.answer(418, "stage_teapot");
    if (!changetype<Counted>(state).isQueued) return PASS;
    queue.push(changetype<usize>(request));
    queue.push(changetype<usize>(state));
    return HOLD;
  }

  bytes(state: StageState, request: GateRequest, at: usize, length: usize): void {
    changetype<Counted>(state).bytes += length;
  }

  end(state: StageState, request: GateRequest): void {
    this.log("passed " + changetype<Counted>(state).bytes.toString());
  }

  expire(state: StageState, request: GateRequest): Verdict {
    this.log("expire");
    return this.answer(504, "stage_no_body");
  }

  overload(state: StageState, request: GateRequest): Verdict {
    return this.expire(state, request);
  }

  unwritable(state: StageState, request: GateRequest): Verdict {
    return this.expire(state, request);
  }

  close(state: StageState): void {
    this.log("close");
    const at = queue.indexOf(changetype<usize>(state));
    if (at > 0) queue.splice(at - 1, 2);
    pool.release(changetype<usize>(state));
  }

  private release(verdict: Verdict, current: GateRequest): void {
    if (queue.length == 0) return;
    const request = changetype<GateRequest>(queue.shift());
    const state = changetype<StageState>(queue.shift());
    if (this.host.later.open(request)) this.host.later.decide(request, state, verdict);
    this.host.later.open(current);
  }

  private answer(status: i32, details: string): Verdict {
    return Verdict.answer(Outcome.Denied, status, details, BODY.at, BODY.length, this.headers);
  }

  private log(event: string): void {
    this.host.log.write(Level.Warn, "stage: " + event);
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
    stages.push(new QueryStage(host));
    return stages;
  }
}

function says(head: RequestHead, text: string): bool {
  return indexOfIgnoringCase(head.path, head.targetLength, text) >= 0;
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
