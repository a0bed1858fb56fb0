import { PluginConfig } from "../../config/plugin_config";
import { ListElement } from "../../edit/response/list_element";
import { Parts } from "../../edit/response/list_kind";
import { GateRequest, StageState } from "../../gate/stage/request";
import { Stage } from "../../gate/stage/stage";
import { StageHost } from "../../gate/stage/stage_host";
import { HOLD, PASS, Verdict } from "../../gate/stage/verdict";
import { HttpMethod } from "../../http/http_method";
import { NamedPaths } from "../../http/named_paths";
import { Caller } from "../../identity/caller";
import { Principals, findAddress } from "../../identity/principals";
import { Servers } from "../../identity/servers";
import { isCandidate } from "../../mcp/headers/candidate";
import { RequestHead } from "../../mcp/headers/request_head";
import { RequestState } from "../../rules/request_state";
import { RequestFault } from "../../rules/message/request_fault";
import { HeldBody } from "../../rules/held_body";
import { PassingBody } from "../../rules/passing_body";
import { keepCaller, keepHead, faultOf } from "../../rules/request_facts";
import { Outlook, Policy } from "../policy/policy";
import { AccessJudge } from "./access_judge";
import { RuleInputReader } from "./rule_input_reader";
import { DecisionReporter } from "./decision_reporter";
import { DenialAnswers } from "./denial_answers";
import { ListRights } from "./list_rights";
import { PinMatcher } from "./pin_matcher";
import { ServerName } from "./server_name";

/** The access policy of a configuration as a stage of the gate. */
export class AccessStage extends Stage {
  private principals: Principals;
  private reporter: DecisionReporter;
  private caller: Caller = new Caller();
  private inputs: RuleInputReader;
  private answers: DenialAnswers;
  private rights: ListRights;
  private pins: PinMatcher;
  private held: HeldBody;
  private passing: PassingBody;

  /**
   * @param paths the paths of `match.paths`
   * @param isNewer the policy belongs to the leading configuration, but the instance applies an older one
   */
  constructor(
    config: PluginConfig,
    private policy: Policy,
    private paths: NamedPaths,
    private host: StageHost,
    isNewer: bool,
  ) {
    super();
    const pins = new PinMatcher(policy, isNewer);
    const serverName = new ServerName(new Servers(config.server, host.properties, host.log), policy);
    const reporter = new DecisionReporter(policy, pins, serverName, host, host.logs.fields(config), isNewer);
    const inputs = new RuleInputReader(serverName, policy, pins);
    const answers = new DenialAnswers(policy.config, reporter);
    this.principals = new Principals(config.identity, host.properties);
    this.reporter = reporter;
    this.inputs = inputs;
    this.answers = answers;
    this.rights = new ListRights(policy, inputs, reporter);
    this.pins = pins;
    const judge = new AccessJudge(inputs, reporter, answers);
    this.held = new HeldBody(judge, policy.keys.message, config.hold, host.body, false);
    this.passing = new PassingBody(judge, policy.keys.message, config.hold, !policy.isEnforced, false);
  }

  /** Whether the policy covers a request: on the operator's paths, and for a closed policy also everything that
   *  looks like MCP, or all JSON if the paths are not known. */
  concerns(head: RequestHead, endOfStream: bool): bool {
    const mayBringLists = head.method == HttpMethod.Get && (this.rights.isAnything || this.pins.isAnything);
    if (!mayBringLists && !head.mayBringMessages(endOfStream)) return false;
    if (head.isAtEndpoint || this.isNamed(head)) return true;
    const config = this.policy.config;
    if (!config.isClosed || !head.isJsonPost) return false;
    return config.isAboutAnyPath || isCandidate(head, false);
  }

  private isNamed(head: RequestHead): bool {
    return this.paths.include(head.path, head.pathLength, head.targetLength);
  }

  open(): StageState {
    return RequestState.acquire();
  }

  begin(stageState: StageState, request: GateRequest, head: RequestHead): Verdict {
    const state = changetype<RequestState>(stageState);
    state.isMcp = !this.policy.config.isClosed || head.hasMcpHeader || head.isAtEndpoint;
    if (!state.isMcp) state.isMcp = this.isNamed(head);
    keepHead(state, head);
    state.origin = this.answers.originOf(head.origin, head.originLength);
    this.findCaller(head);
    keepCaller(state, request, this.caller);
    this.reporter.caller(request.exchange.stream, state);
    this.inputs.begin(state);
    const outlook = this.policy.outlook(this.caller, this.host.properties, this.inputs.current, state.matches);
    this.pins.begin(state, this.inputs.current);
    this.rights.begin(state);
    // The server must not compress the response, because the policy has to read it.
    if (state.ruledParts || state.pins) request.wantsPlainAnswer = true;
    // A GET stream of server messages, or another request without a body.
    if (state.mayBeEmpty && !head.hasBody) return PASS;
    const isAllowed = outlook == Outlook.Allowed && !this.pins.isEnforced(state);
    const mustHold = this.policy.isEnforced && !isAllowed;
    const fault = faultOf(head, state);
    if (fault && mustHold) return this.answers.refuse(state, request, fault);
    if (fault && !isAllowed) {
      this.reporter.refused(request, state, fault);
    } else if (!mustHold) {
      this.passing.begin(state);
    }
    return mustHold ? HOLD : PASS;
  }

  /** Determines the caller. Reads the address of a caller with a principal only if rules depend on it. */
  private findCaller(head: RequestHead): void {
    const caller = this.caller;
    const needsAddress = this.policy.needsAddress;
    this.principals.find(caller, head.forwarded, head.forwardedLength, needsAddress);
    if (!needsAddress && caller.isAnonymous) findAddress(caller, this.host.properties);
  }

  grow(stageState: StageState, request: GateRequest): Verdict {
    if (request.heldBytes <= this.policy.hold.maxBodyBytes) return HOLD;
    return this.answers.refuse(changetype<RequestState>(stageState), request, RequestFault.TooLarge);
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
    return this.answers.refuse(changetype<RequestState>(stageState), request, RequestFault.NoBody);
  }

  overload(stageState: StageState, request: GateRequest): Verdict {
    return this.answers.refuse(changetype<RequestState>(stageState), request, RequestFault.Overload);
  }

  editedParts(stageState: StageState, _request: GateRequest): Parts {
    if (!this.policy.isEnforced) return 0;
    const state = changetype<RequestState>(stageState);
    return state.ruledParts | this.enforcedPinParts(state);
  }

  withheldParts(stageState: StageState, _request: GateRequest): Parts {
    const state = changetype<RequestState>(stageState);
    return state.deniedParts | this.enforcedPinParts(state);
  }

  private enforcedPinParts(state: RequestState): Parts {
    return this.pins.isEnforced(state) ? this.pins.parts(state) : 0;
  }

  /** In shadow mode, server requests are counted with the client's responses to them. */
  observedParts(stageState: StageState, _request: GateRequest): Parts {
    const state = changetype<RequestState>(stageState);
    const pinned = this.pins.parts(state);
    return this.policy.isEnforced ? pinned : state.deniedParts | pinned;
  }

  withholds(stageState: StageState, request: GateRequest, element: ListElement): bool {
    const state = changetype<RequestState>(stageState);
    const isDenied = this.rights.withholds(state, request, element);
    // Pins compare all definitions, even those that this caller must not see, because the results apply to other
    // callers' calls too.
    const isMismatch = this.pins.withholds(state, request, element, isDenied);
    return this.policy.isEnforced && (isDenied || isMismatch);
  }

  deniesServerRequest(stageState: StageState, request: GateRequest, method: usize, length: i32): bool {
    const state = changetype<RequestState>(stageState);
    return this.policy.isEnforced && this.rights.deniesServerRequest(state, request, method, length);
  }

  unwritable(stageState: StageState, request: GateRequest): Verdict {
    return this.answers.refuse(changetype<RequestState>(stageState), request, RequestFault.Internal);
  }

  close(stageState: StageState): void {
    const state = changetype<RequestState>(stageState);
    this.inputs.forget(state);
    this.passing.stop(state);
    state.release();
  }
}
