import { Policy } from "../access/policy/policy";
import { PluginConfig } from "../config/plugin_config";
import { NamedPaths } from "../http/named_paths";
import { Exchange } from "../mcp/exchange/exchange";
import { ExchangeServices } from "../mcp/exchange/services";
import { LimitRules } from "../limits/rules/limit_rules";
import { RequestHead } from "../mcp/headers/request_head";
import { ResponseHead } from "../mcp/headers/response_head";
import { Enforcement } from "./enforcement";
import { HeldBudget } from "./held_budget";
import { HeldStreams } from "./held_streams";
import { ResponseEdits } from "./response_edits";
import { GateRequest, StageState } from "./stage/request";
import { Stage, stageOf } from "./stage/stage";
import { StageHost } from "./stage/stage_host";
import { VerdictKind } from "./stage/verdict";
import { Stages } from "./stages";

/** Which stages are concerned with a request: a bit for each of the instance's own, the first lowest. */
export type Concern = u32;
const ACCESS: Concern = 1;

/**
 * Decides about the requests of a plugin instance. It asks the stages in order: that of a newer configuration, where one
 * leads, then the instance's own. A request waits while a stage holds it, passes once all let it pass, and gets the answer of
 * the first stage that answers.
 */
export class Gate {
  /** The access policy that applies; null where there is none. */
  policy: Policy | null = null;
  /** The limits that apply; null where there are none. */
  limits: LimitRules | null = null;
  /** Those of the configuration that applies, the access policy first. */
  private stages: Stage[] = [];
  /** The proxy may hold the headers of requests. */
  private mayHoldHeaders: bool = false;
  /** All stages that may be in use: requests refer to them by address. */
  private kept: Stage[] = [];

  constructor(
    private factory: Stages,
    private host: StageHost,
    private enforcement: Enforcement,
    private held: HeldStreams,
    private budget: HeldBudget,
    private edits: ResponseEdits,
  ) {}

  /** Another configuration applies. `paths` are those of `match.paths`. */
  apply(config: PluginConfig, paths: NamedPaths): void {
    const access = config.access;
    this.policy = access ? new Policy(access, config.identity, config.hold) : null;
    const limits = config.limits;
    this.limits = limits ? new LimitRules(limits, config.identity, config.hold) : null;
    this.mayHoldHeaders = config.hold.headers;
    this.budget.hold = config.hold;
    this.stages = this.factory.ofOwn(config, this.policy, this.limits, paths, this.host);
    this.kept = this.kept.concat(this.stages);
  }

  /** The stage of a newer configuration. Null where it denies nothing. */
  open(newer: PluginConfig): Stage | null {
    const stage = this.factory.ofNewer(newer, this.host);
    if (stage) this.kept.push(stage);
    return stage;
  }

  /** Whether the instance has stages of its own. */
  get hasStages(): bool {
    return this.stages.length > 0;
  }

  /** The instance's own stages that are concerned with a request, as far as its headers tell; 0 for none. */
  concern(head: RequestHead, endOfStream: bool): Concern {
    let concern: Concern = 0;
    for (let i = 0; i < this.stages.length; i++) {
      if (unchecked(this.stages[i]).concerns(head, endOfStream)) concern |= 1 << i;
    }
    return concern;
  }

  /** The head of a request that these stages are concerned with. `newer` is that of a newer configuration; null for none.
   *  `now` in milliseconds. */
  begin(
    stream: u32,
    exchange: Exchange,
    services: ExchangeServices,
    head: RequestHead,
    newer: Stage | null,
    concern: Concern,
  ): void {
    exchange.stream.isUnchecked = this.policy != null && !(concern & ACCESS) && !newer;
    if (!concern && !newer) return;
    const request = GateRequest.take(exchange, stream, services);
    exchange.gated = changetype<usize>(request);
    if (newer) this.enter(newer, request, head);
    for (let i = 0; i < this.stages.length && !request.isAnswered; i++) {
      if (concern & (1 << i)) this.enter(unchecked(this.stages[i]), request, head);
    }
  }

  private enter(stage: Stage, request: GateRequest, head: RequestHead): void {
    const state = stage.open();
    state.stage = changetype<usize>(stage);
    stage.users++;
    request.append(state);
    let verdict = stage.begin(state, request, head);
    if (verdict.kind == VerdictKind.Hold && !request.isBudgeted && !this.budget.add(request)) {
      verdict = stage.overload(state, request);
    }
    state.holds = verdict.kind == VerdictKind.Hold;
    this.enforcement.lets(request, verdict);
  }

  /** Whether the headers of the request, which has a body, stay in the proxy too. Then the gate watches for its body. */
  holdHeaders(request: GateRequest): bool {
    if (!this.mayHoldHeaders || !request.isHeld) return false;
    this.held.add(request, this.host.clock.milliseconds);
    return true;
  }

  /** The body of a held request has grown to `size` bytes. False where it is answered. */
  grow(request: GateRequest, size: usize): bool {
    if (request.holdsHeaders) {
      this.held.remove(request);
      this.held.prove();
    }
    request.heldBytes = size;
    const isTooMuch = !this.budget.grow(request, size);
    for (let at = request.first; at; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      if (!state.holds) continue;
      const stage = stageOf(state);
      const verdict = isTooMuch ? stage.overload(state, request) : stage.grow(state, request);
      if (!this.enforcement.lets(request, verdict)) return false;
    }
    return true;
  }

  /** A held request is whole: asks the stages that hold it. Returns the bytes of its body, none of which has passed. */
  conclude(request: GateRequest): usize {
    this.held.remove(request);
    for (let at = request.first; at; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      if (!state.holds) continue;
      const verdict = stageOf(state).conclude(state, request);
      if (!this.enforcement.lets(request, verdict)) break;
      state.holds = verdict.kind == VerdictKind.Hold;
    }
    if (!request.isHeld) this.budget.remove(request);
    return request.heldBytes;
  }

  /** A held request goes on, which its exchange has read, without the messages that stages have rejected. False where it is answered
   *  instead. */
  rewrite(request: GateRequest): bool {
    return this.enforcement.rewrite(request);
  }

  /** Bytes of a request that pass, or that stay where it is answered. */
  bytes(request: GateRequest, at: usize, length: usize): void {
    request.passedBytes += length;
    for (let next = request.first; next; next = changetype<StageState>(next).next) {
      const state = changetype<StageState>(next);
      if (state.reads) stageOf(state).bytes(state, request, at, length);
    }
  }

  /** A request has passed to its end. */
  end(request: GateRequest): void {
    for (let at = request.first; at; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      if (state.reads) stageOf(state).end(state, request);
    }
  }

  /** Another filter has limited a request that has passed, and its answer has come. False where a stage answers in its place. */
  letsLimited(request: GateRequest): bool {
    for (let at = request.first; at && !request.isAnswered; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      this.enforcement.lets(request, stageOf(state).elsewhereLimited(state, request));
    }
    return !request.isAnswered;
  }

  /** The headers of the response to a request have come, which is not the gate's own: edits it from now on where stages want that.
   *  False where it is answered in place of the server. */
  letsRespond(request: GateRequest, head: ResponseHead, endOfStream: bool): bool {
    return this.enforcement.lets(request, this.edits.begin(request, head, endOfStream));
  }

  /** The stream of the request is over. */
  close(request: GateRequest): void {
    this.edits.end(request);
    this.held.remove(request);
    this.budget.remove(request);
    for (let at = request.first; at;) {
      const state = changetype<StageState>(at);
      const stage = stageOf(state);
      at = state.next;
      stage.users--;
      stage.close(state);
    }
    request.release();
  }

  /** Drops the stages that neither a request nor a configuration needs any more. `newer` are those of newer configurations;
   *  null for none. */
  sweep(newer: Stage | null, otherNewer: Stage | null): void {
    for (let i = this.kept.length - 1; i >= 0; i--) {
      const stage = this.kept[i];
      const isInForce = this.stages.includes(stage) || stage == newer || stage == otherNewer;
      if (!stage.users && !isInForce) this.kept.splice(i, 1);
    }
  }
}

/** The request of an exchange that stages are concerned with; null where none is. */
export function gatedRequest(exchange: Exchange): GateRequest | null {
  return exchange.gated ? changetype<GateRequest>(exchange.gated) : null;
}
