import { PluginConfig } from "../../config/plugin_config";
import { GateRequest, StageState } from "../../gate/stage/request";
import { Stage } from "../../gate/stage/stage";
import { StageHost } from "../../gate/stage/stage_host";
import { HOLD, PASS, Verdict } from "../../gate/stage/verdict";
import { HttpMethod } from "../../http/http_method";
import { NamedPaths } from "../../http/named_paths";
import { Caller } from "../../identity/caller";
import { Principals } from "../../identity/principals";
import { Servers } from "../../identity/servers";
import { RequestHead } from "../../mcp/headers/request_head";
import { Admission } from "../../mcp/state/admission";
import { Stream } from "../../mcp/state/stream";
import { permanentBytes } from "../../memory/bytes";
import { RequestState } from "../../rules/request_state";
import { HeldBody } from "../../rules/held_body";
import { RequestFault } from "../../rules/message/request_fault";
import { PassingBody } from "../../rules/passing_body";
import { keepCaller, keepHead, faultOf } from "../../rules/request_facts";
import { Charger } from "./charger";
import { HandOn } from "../hand_on/hand_on";
import { Ledger } from "../ledger/ledger";
import { LimitAnswers } from "./limit_answers";
import { LimitFacts } from "./limit_facts";
import { LimitJudge } from "./limit_judge";
import { LimitReporter } from "./limit_reporter";
import { Waiter } from "../queue/waiter";
import { GET_METHOD } from "../rules/limit_rule";
import { LimitRules } from "../rules/limit_rules";
import { Retries } from "./retries";

const GET_BYTES = permanentBytes(GET_METHOD);

/**
 * Property with the seconds until the window of Envoy's own rate limit ends: draft-ietf-httpapi-ratelimit-headers-03,
 * as Envoy writes it.
 */
const RESET_HEADER = "response\0headers\0x-ratelimit-reset";

/** The limits of a configuration as a stage of the gate. */
export class LimitStage extends Stage {
  private retries: Retries;
  private principals: Principals;
  private caller: Caller = new Caller();
  private charger: Charger;
  private answers: LimitAnswers;
  private reporter: LimitReporter;
  private judge: LimitJudge;
  private handOn: HandOn;
  private held: HeldBody;
  private passing: PassingBody;

  /** @param paths the paths of `match.paths` */
  constructor(
    config: PluginConfig,
    private rules: LimitRules,
    private paths: NamedPaths,
    private host: StageHost,
  ) {
    super();
    const access = config.access;
    const charger = new Charger(host.clock);
    const answers = new LimitAnswers(access ? access.denialCors : []);
    const reporter = new LimitReporter(rules, host.logFieldsOf(config), host.clock);
    const servers = new Servers(config.server, host.properties, host.log);
    const handOn = new HandOn(host.filterState);
    const judge = new LimitJudge(rules, servers, charger, reporter, answers, handOn);
    this.principals = new Principals(config.identity, host.properties);
    this.charger = charger;
    this.answers = answers;
    this.reporter = reporter;
    this.judge = judge;
    this.handOn = handOn;
    const held = new HeldBody(judge, rules.keys.message, config.hold, host.body, rules.limitsRepeats);
    this.passing = new PassingBody(judge, rules.keys.message, config.hold, true, rules.limitsRepeats);
    this.held = held;
    this.retries = new Retries(host.later, judge, held, answers, reporter);
  }

  /** Whether limits cover a request: on the operator's paths, and at HTTP+SSE endpoints that streams named. */
  concerns(head: RequestHead, endOfStream: bool): bool {
    // HTTP+SSE responses, including those to rejected requests, come on a stream opened by GET.
    const rules = this.rules;
    const isGet = (rules.namesGet || rules.limitsTokens || rules.isEnforced) && head.method == HttpMethod.Get;
    if (!isGet && !head.mayBringMessages(endOfStream)) return false;
    return head.isAtEndpoint || this.paths.include(head.path, head.pathLength, head.targetLength);
  }

  open(): StageState {
    return RequestState.acquire();
  }

  begin(stageState: StageState, request: GateRequest, head: RequestHead): Verdict {
    const state = changetype<RequestState>(stageState);
    const facts = LimitFacts.acquire();
    const stream = request.exchange.stream;
    state.facts = changetype<usize>(facts);
    state.isMcp = true;
    keepHead(state, head);
    state.origin = this.answers.originOf(head.origin, head.originLength);
    facts.stream = changetype<usize>(stream);
    // It is always a Ledger. Its declared type is a sink, because mcp/ must not import limits/.
    facts.ledger = changetype<usize>(request.services.limits);
    changetype<Ledger>(facts.ledger).queues.decider = this.retries;
    if (this.rules.limitsTokens) request.wantsPlainAnswer = true;
    this.findCaller(state, request, facts, head);
    const fault = faultOf(head, state);
    if (fault && this.rules.isEnforced) return this.refuse(state, request, fault);
    if (state.mayBeEmpty && this.rules.namesGet && head.method == HttpMethod.Get) {
      const isAdmitted = this.judge.admitsGet(state, request, GET_BYTES, GET_METHOD.length);
      if (!isAdmitted) return this.answers.rejectGet(state, this.charger.rejection);
    }
    // A GET stream of server messages, or another request without a body.
    if (state.mayBeEmpty && !head.hasBody) return PASS;
    if (fault) {
      this.reporter.refused(state, request, fault, 0);
    } else if (this.rules.isEnforced) {
      return HOLD;
    } else {
      this.passing.begin(state);
    }
    return PASS;
  }

  /** Determines the caller, and how each rule matches it. */
  private findCaller(state: RequestState, request: GateRequest, facts: LimitFacts, head: RequestHead): void {
    const rules = this.rules;
    const stream = request.exchange.stream;
    const caller = this.caller;
    // Needed even if no rule uses the principal, because it is set for other filters.
    this.principals.find(caller, head.forwarded, head.forwardedLength, rules.namesAddresses);
    keepCaller(state, request, caller);
    facts.principal = stream.principal;
    const isAddressNeeded = rules.needsAddress || !facts.principal;
    facts.address = isAddressNeeded ? request.services.participants.callerOf(stream) : 0;
    if (!request.owner) request.owner = facts.address;
    rules.claims.forget();
    let claims = 0;
    for (let i = 0; i < rules.rules.length; i++) {
      const rule = unchecked(rules.rules[i]);
      store<u8>(state.matches + i, <u8>rule.matchCaller(caller, this.host.properties));
      for (let j = 0; j < rule.claims.length; j++) facts.setClaim(claims++, rule.claims[j].hash(this.host.properties));
    }
  }

  private refuse(state: RequestState, request: GateRequest, fault: RequestFault): Verdict {
    this.reporter.refused(state, request, fault, 0);
    return this.answers.refuse(state, fault);
  }

  grow(stageState: StageState, request: GateRequest): Verdict {
    if (request.heldBytes <= this.rules.hold.maxBodyBytes) return HOLD;
    return this.refuse(changetype<RequestState>(stageState), request, RequestFault.TooLarge);
  }

  conclude(stageState: StageState, request: GateRequest): Verdict {
    return this.held.conclude(changetype<RequestState>(stageState), request);
  }

  bytes(stageState: StageState, request: GateRequest, at: usize, length: usize): void {
    this.passing.bytes(changetype<RequestState>(stageState), request, at, length);
  }

  end(stageState: StageState, request: GateRequest): void {
    this.passing.end(changetype<RequestState>(stageState), request);
  }

  expire(stageState: StageState, request: GateRequest): Verdict {
    return this.refuse(changetype<RequestState>(stageState), request, RequestFault.NoBody);
  }

  overload(stageState: StageState, request: GateRequest): Verdict {
    const state = changetype<RequestState>(stageState);
    this.reporter.refused(state, request, RequestFault.Overload, 0);
    return this.answers.overload(state);
  }

  unwritable(stageState: StageState, request: GateRequest): Verdict {
    return this.refuse(changetype<RequestState>(stageState), request, RequestFault.Internal);
  }

  elsewhereLimited(stageState: StageState, request: GateRequest): Verdict {
    const state = changetype<RequestState>(stageState);
    const facts = changetype<LimitFacts>(state.facts);
    // An HTTP+SSE client expects no message here. The ids of a batch are not kept.
    if (state.wantsStatus || !facts.idLength) return PASS;
    const reset = this.host.properties;
    const seconds = reset.findSegments(RESET_HEADER) ? wholeNumber(reset.at, reset.length) : 0;
    this.reporter.limitedElsewhere(request);
    return this.answers.limitedElsewhere(state, facts, seconds);
  }

  close(stageState: StageState): void {
    const state = changetype<RequestState>(stageState);
    this.passing.stop(state);
    const facts = changetype<LimitFacts>(state.facts);
    const ledger = changetype<Ledger>(facts.ledger);
    const stream = changetype<Stream>(facts.stream);
    if (facts.waiter) this.retries.abandon(changetype<Waiter>(facts.waiter));
    if (stream.isHandedOn) this.handOn.unread(stream);
    if (stream.admissions) ledger.settleUnread(stream);
    if (facts.admission) {
      const admission = changetype<Admission>(facts.admission);
      ledger.release(admission);
      admission.release();
    }
    facts.release();
    state.release();
  }
}

/** The value of a text of digits; 0 for any other text, or for a number above about a billion. */
function wholeNumber(at: usize, length: i32): u32 {
  let value: u32 = 0;
  for (let i = 0; i < length; i++) {
    const digit: u32 = load<u8>(at + i) - 0x30;
    if (digit > 9 || value > 100_000_000) return 0;
    value = value * 10 + digit;
  }
  return value;
}
