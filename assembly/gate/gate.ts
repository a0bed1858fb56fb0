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

/** The instance's own stages that apply to a request: one bit per stage, the first stage in the lowest bit. */
export type Concern = u32;
const ACCESS: Concern = 1;

/**
 * Decides about the requests of a plugin instance. It asks the stages in order: that of a newer configuration that
 * leads, if any, then the instance's own. A request waits while a stage holds it, passes once all let it pass, and gets
 * the answer of the first stage that answers.
 */
export class Gate {
  /** The active access policy; null if there is none. */
  policy: Policy | null = null;
  /** The active limits; null if there are none. */
  limits: LimitRules | null = null;
  /** The stages of the active configuration, the access policy first. */
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

  /** Switches to another configuration. `paths` are those of `match.paths`. */
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

  /** The stage of a newer configuration. Null if it denies nothing. */
  open(newer: PluginConfig): Stage | null {
    const stage = this.factory.ofNewer(newer, this.host);
    if (stage) this.kept.push(stage);
    return stage;
  }

  /** Whether the instance has stages of its own. */
  get hasStages(): bool {
    return this.stages.length > 0;
  }

  /** The instance's own stages that apply to a request, judging by its headers; 0 for none. */
  concern(head: RequestHead, endOfStream: bool): Concern {
    let concern: Concern = 0;
    for (let i = 0; i < this.stages.length; i++) {
      if (unchecked(this.stages[i]).concerns(head, endOfStream)) concern |= 1 << i;
    }
    return concern;
  }

  /** Begins a request, from its headers, in the stages that apply to it. `newer` is the stage of a newer
   *  configuration; null for none. */
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
    const request = GateRequest.acquire(exchange, stream, services);
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

  /** Whether the proxy holds the headers of the request, which has a body, as well. If so, the gate watches for the
   *  body. */
  holdHeaders(request: GateRequest): bool {
    if (!this.mayHoldHeaders || !request.isHeld) return false;
    this.held.add(request, this.host.clock.milliseconds);
    return true;
  }

  /** Stops counting a held request that may have no body, until its body grows. */
  uncount(request: GateRequest): void {
    this.budget.remove(request);
  }

  /** Handles the body of a held request, which has grown to `size` bytes. Returns false if the request is answered. */
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

  /** Asks the stages that hold a complete request. Returns the number of bytes of its body, none of which has
   *  passed. */
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

  /** Removes the messages that stages have rejected from a held request that its exchange has read and that goes on.
   *  Returns false if the request is answered instead. */
  rewrite(request: GateRequest): bool {
    return this.enforcement.rewrite(request);
  }

  /** Whether a stage of the instance's own enforces its decisions. */
  get isEnforced(): bool {
    const policy = this.policy;
    const limits = this.limits;
    return (policy != null && policy.isEnforced) || (limits != null && limits.isEnforced);
  }

  /** Answers a request that cannot be decided, or that has passed and cannot go on to the server. */
  refuse(request: GateRequest): void {
    const state = changetype<StageState>(request.first);
    this.enforcement.lets(request, stageOf(state).unwritable(state, request));
  }

  /** Passes the bytes of a request to the stages that read it. The request passes, or it is answered and the bytes
   *  stay. */
  bytes(request: GateRequest, at: usize, length: usize): void {
    request.passedBytes += length;
    for (let next = request.first; next; next = changetype<StageState>(next).next) {
      const state = changetype<StageState>(next);
      if (state.reads) stageOf(state).bytes(state, request, at, length);
    }
  }

  /** Handles the end of a request that has passed. */
  end(request: GateRequest): void {
    for (let at = request.first; at; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      if (state.reads) stageOf(state).end(state, request);
    }
  }

  /** Handles a response by which another filter limited a request that passed. Returns false if a stage answers
   *  instead. */
  letsLimited(request: GateRequest): bool {
    for (let at = request.first; at && !request.isAnswered; at = changetype<StageState>(at).next) {
      const state = changetype<StageState>(at);
      this.enforcement.lets(request, stageOf(state).elsewhereLimited(state, request));
    }
    return !request.isAnswered;
  }

  /** Handles the response headers, unless the gate made the response: from now on, edits it if stages need that.
   *  Returns false if the gate answers in place of the server. */
  letsRespond(request: GateRequest, head: ResponseHead, endOfStream: bool): bool {
    return this.enforcement.lets(request, this.edits.begin(request, head, endOfStream));
  }

  /** Handles the end of the request's stream. */
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

  /** Drops the stages that no request and no configuration needs any more. The arguments are the stages of newer
   *  configurations; null for none. */
  sweep(newer: Stage | null, otherNewer: Stage | null): void {
    for (let i = this.kept.length - 1; i >= 0; i--) {
      const stage = this.kept[i];
      const isInForce = this.stages.includes(stage) || stage == newer || stage == otherNewer;
      if (!stage.users && !isInForce) this.kept.splice(i, 1);
    }
  }
}

/** The exchange's request if stages apply to it; otherwise null. */
export function gatedRequest(exchange: Exchange): GateRequest | null {
  return exchange.gated ? changetype<GateRequest>(exchange.gated) : null;
}
