import { AccessConfig, RuleAction } from "../../config/access/access_config";
import { ListElement } from "../../edit/response/list_element";
import {
  LIST_KIND_COUNT,
  LIST_METHODS,
  ListKind,
  Parts,
  SERVER_REQUESTS,
  listPart,
} from "../../edit/response/list_kind";
import { GateRequest } from "../../gate/stage/request";
import { Method, methodName } from "../../mcp/protocol/methods";
import { WithheldReason } from "../../mcp/protocol/withheld_reason";
import { RequestState } from "../../rules/request_state";
import { RuleInput, Target, Use } from "../../rules/message/rule_input";
import { nameCaller } from "../../rules/named_caller";
import { Policy } from "../policy/policy";
import { RuleInputReader } from "./rule_input_reader";
import { DecisionReporter } from "./decision_reporter";
import { PartsMemo } from "./parts_memo";

/** The method that uses the elements of a list and the kind of target it names, indexed by {@link ListKind}. */
const USED_BY: string[] = [Method.ToolsCall, Method.PromptsGet, Method.ResourcesRead, Method.ResourcesRead].map<string>(
  (method) => methodName(method),
);
const TARGETS: Target[] = [Target.Tool, Target.Prompt, Target.Resource, Target.Resource];

/** Decides by the access policy what responses show to a caller: which elements of lists, and which server requests. */
export class ListRights {
  private config: AccessConfig;
  private memo: PartsMemo;

  constructor(
    private policy: Policy,
    private inputs: RuleInputReader,
    private reporter: DecisionReporter,
  ) {
    this.config = policy.config;
    this.memo = new PartsMemo(policy.rules.length);
  }

  /** Whether the policy may change any response. */
  get isAnything(): bool {
    return this.config.filtersLists || this.policy.rulesAnswers;
  }

  /** Determines which parts of the response the policy may change, once the caller and the server are known. */
  begin(state: RequestState): void {
    state.deniedParts = 0;
    state.ruledParts = 0;
    if (!this.isAnything) return;
    const input = this.inputs.current;
    const memo = this.memo;
    if (memo.recalls(state, input)) return;
    this.findParts(state, input);
    memo.keep(state, input);
  }

  private findParts(state: RequestState, input: RuleInput): void {
    this.inputs.leaveClientOpen();
    for (let kind: ListKind = 0; this.config.filtersLists && kind < LIST_KIND_COUNT; kind++) {
      stand(input, kind, Use.AnyElement, 0, 0, false);
      const part = <u8>listPart(kind);
      // A list that differs between callers must not be cached for all, even if this caller sees all of it.
      if (this.policy.mayDeny(0, input)) state.ruledParts |= part;
      if (this.policy.mayDeny(state.matches, input)) state.deniedParts |= part;
    }
    if (this.policy.mayDenyAnswers(state.matches)) state.ruledParts |= <u8>SERVER_REQUESTS;
  }

  /** Whether this caller must not see an element of a list. Counts a withheld element. */
  withholds(state: RequestState, request: GateRequest, element: ListElement): bool {
    if (!(state.deniedParts & (<u8>listPart(element.kind)))) return false;
    if (!element.isClear) return this.withhold(request, element, WithheldReason.Unclear);
    if (element.at == 0) return this.withhold(request, element, WithheldReason.TooLarge);
    this.inputs.prepare(state, request);
    const input = this.inputs.current;
    const isTemplate = element.kind == ListKind.ResourceTemplates;
    const use = isTemplate ? Use.Template : Use.Element;
    stand(input, element.kind, use, element.name, element.nameLength, element.isCut);
    const rule = this.policy.decide(state.matches, input);
    this.reporter.element(state, input, rule);
    if (this.policy.actionOf(rule, input) == RuleAction.Allow) return false;
    return this.withhold(request, element, WithheldReason.Policy);
  }

  /** Counts an element that the caller does not see, by reason. Returns true. */
  withhold(request: GateRequest, element: ListElement, reason: WithheldReason): bool {
    const method = LIST_METHODS[element.kind];
    nameCaller(request, null);
    request.services.events.withheld(request.exchange.stream, method, reason, !this.policy.isEnforced);
    return true;
  }

  /** Whether the client must not see a server request, with the `length` bytes of its method. Counts a denied
   *  request. */
  deniesServerRequest(state: RequestState, request: GateRequest, method: usize, length: i32): bool {
    this.inputs.prepare(state, request);
    const input = this.inputs.current;
    input.setServerRequest(method, length);
    const rule = this.policy.decide(state.matches, input);
    if (this.policy.actionOf(rule, input) == RuleAction.Allow) return false;
    this.reporter.serverRequest(request, state, input, rule);
    return true;
  }
}

/** Makes `input` represent all uses of an element of a list of this kind: see {@link RuleInput.setUse}. */
export function stand(input: RuleInput, kind: ListKind, use: Use, name: usize, nameLength: i32, isCut: bool): void {
  input.setUse(use, unchecked(USED_BY[kind]), unchecked(TARGETS[kind]), name, nameLength, isCut);
}
