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
import { CheckedRequest } from "../../rules/checked_request";
import { RequestRefusal } from "../../rules/message/refusal";
import { HeldBody } from "../../rules/held_body";
import { PassingBody } from "../../rules/passing_body";
import { keepCaller, keepHead, refusalOf } from "../../rules/request_facts";
import { Outlook, Policy } from "../policy/policy";
import { AccessJudge } from "./access_judge";
import { CallReader } from "./call_reader";
import { DecisionLog } from "./decision_log";
import { DenialAnswers } from "./denial_answers";
import { ListRights } from "./list_rights";
import { PinCheck } from "./pin_check";
import { ServerName } from "./server_name";

/** The access policy of a configuration as a stage of the gate. */
export class AccessStage extends Stage {
  private principals: Principals;
  private decisions: DecisionLog;
  private caller: Caller = new Caller();
  private calls: CallReader;
  private answers: DenialAnswers;
  private rights: ListRights;
  private pins: PinCheck;
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
    const pins = new PinCheck(policy, isNewer);
    const serverName = new ServerName(new Servers(config.server, host.properties, host.log), policy);
    const decisions = new DecisionLog(policy, pins, serverName, host, host.logFieldsOf(config), isNewer);
    const calls = new CallReader(serverName, policy, pins);
    const answers = new DenialAnswers(policy.config, decisions);
    this.principals = new Principals(config.identity, host.properties);
    this.decisions = decisions;
    this.calls = calls;
    this.answers = answers;
    this.rights = new ListRights(policy, calls, decisions);
    this.pins = pins;
    const judge = new AccessJudge(calls, decisions, answers);
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
    return CheckedRequest.acquire();
  }

  begin(state: StageState, request: GateRequest, head: RequestHead): Verdict {
    const check = changetype<CheckedRequest>(state);
    check.isMcp = !this.policy.config.isClosed || head.hasMcpHeader || head.isAtEndpoint;
    if (!check.isMcp) check.isMcp = this.isNamed(head);
    keepHead(check, head);
    check.origin = this.answers.originOf(head.origin, head.originLength);
    this.findCaller(head);
    keepCaller(check, request, this.caller);
    this.decisions.caller(check);
    this.calls.begin(check);
    const outlook = this.policy.outlook(this.caller, this.host.properties, this.calls.call, check.matches);
    this.pins.begin(check, this.calls.call);
    this.rights.begin(check);
    // The server must not compress the response, because the policy has to read it.
    if (check.ruledParts || check.pins) request.wantsPlainAnswer = true;
    // A GET stream of server messages, or another request without a body.
    if (check.mayBeEmpty && !head.hasBody) return PASS;
    const isAllowed = outlook == Outlook.Allowed && !this.pins.isEnforced(check);
    const mustHold = this.policy.isEnforced && !isAllowed;
    const refusal = refusalOf(head, check);
    if (refusal && mustHold) return this.answers.refuse(check, request, refusal);
    if (refusal && !isAllowed) {
      this.decisions.refusal(request, check, refusal);
    } else if (!mustHold) {
      this.passing.begin(check);
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

  grow(state: StageState, request: GateRequest): Verdict {
    if (request.heldBytes <= this.policy.hold.maxBodyBytes) return HOLD;
    return this.answers.refuse(changetype<CheckedRequest>(state), request, RequestRefusal.TooLarge);
  }

  conclude(state: StageState, request: GateRequest): Verdict {
    return this.held.conclude(changetype<CheckedRequest>(state), request);
  }

  bytes(state: StageState, request: GateRequest, at: usize, length: usize): void {
    this.passing.bytes(changetype<CheckedRequest>(state), request, at, length);
  }

  end(state: StageState, request: GateRequest): void {
    this.passing.end(changetype<CheckedRequest>(state), request);
  }

  expire(state: StageState, request: GateRequest): Verdict {
    return this.answers.refuse(changetype<CheckedRequest>(state), request, RequestRefusal.NoBody);
  }

  overload(state: StageState, request: GateRequest): Verdict {
    return this.answers.refuse(changetype<CheckedRequest>(state), request, RequestRefusal.Overload);
  }

  editedParts(state: StageState, _request: GateRequest): Parts {
    if (!this.policy.isEnforced) return 0;
    const check = changetype<CheckedRequest>(state);
    return check.ruledParts | this.enforcedPinParts(check);
  }

  withheldParts(state: StageState, _request: GateRequest): Parts {
    const check = changetype<CheckedRequest>(state);
    return check.deniedParts | this.enforcedPinParts(check);
  }

  private enforcedPinParts(check: CheckedRequest): Parts {
    return this.pins.isEnforced(check) ? this.pins.parts(check) : 0;
  }

  /** In shadow mode, server requests are counted with the client's responses to them. */
  watchedParts(state: StageState, _request: GateRequest): Parts {
    const check = changetype<CheckedRequest>(state);
    const pinned = this.pins.parts(check);
    return this.policy.isEnforced ? pinned : check.deniedParts | pinned;
  }

  withholds(state: StageState, request: GateRequest, element: ListElement): bool {
    const check = changetype<CheckedRequest>(state);
    const isDenied = this.rights.withholds(check, request, element);
    // Pins compare all definitions, even those that this caller must not see, because the results apply to other
    // callers' calls too.
    const isMismatch = this.pins.withholds(check, request, element, isDenied);
    return this.policy.isEnforced && (isDenied || isMismatch);
  }

  deniesServerRequest(state: StageState, request: GateRequest, method: usize, length: i32): bool {
    const check = changetype<CheckedRequest>(state);
    return this.policy.isEnforced && this.rights.deniesServerRequest(check, request, method, length);
  }

  unwritable(state: StageState, request: GateRequest): Verdict {
    return this.answers.refuse(changetype<CheckedRequest>(state), request, RequestRefusal.Internal);
  }

  close(state: StageState): void {
    const check = changetype<CheckedRequest>(state);
    this.calls.forget(check);
    this.passing.stop(check);
    check.release();
  }
}
