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
import { isCandidate } from "../../mcp/headers/candidate";
import { RequestHead } from "../../mcp/headers/request_head";
import { UNKNOWN_REVISION } from "../../mcp/protocol/revisions";
import { keyedTextHash } from "../../memory/keyed_hash";
import { AccessCheck } from "../check";
import { RequestRefusal } from "../../rules/message/refusal";
import { Reading, StrictReader } from "../../rules/message/strict_reader";
import { Outlook, Policy } from "../policy/policy";
import { BodyJudge } from "./body_judge";
import { CallReader } from "./call_reader";
import { DecisionLog } from "./decision_log";
import { DenialAnswers } from "./denial_answers";

/** The access policy of a configuration as a stage of the gate. */
export class AccessStage extends Stage {
  private principals: Principals;
  private decisions: DecisionLog;
  private caller: Caller = new Caller();
  private calls: CallReader;
  private answers: DenialAnswers;
  private judge: BodyJudge;

  /** @param paths those of `match.paths`.
   *  @param isNewer the policy is the leading one, on an instance that applies an older configuration. */
  constructor(
    config: PluginConfig,
    private policy: Policy,
    private paths: NamedPaths,
    private host: StageHost,
    isNewer: bool,
  ) {
    super();
    const decisions = new DecisionLog(policy, host, isNewer);
    const calls = new CallReader(new Servers(config.server, host.properties, host.log), policy);
    const answers = new DenialAnswers(policy.config, decisions);
    this.principals = new Principals(config.identity, host.properties);
    this.decisions = decisions;
    this.calls = calls;
    this.answers = answers;
    this.judge = new BodyJudge(policy, calls, decisions, answers, host.body);
  }

  /** Whether the policy is about a request: the operator's paths and, of a closed policy, whatever looks like MCP, or all JSON
   *  where the paths are not known. */
  concerns(head: RequestHead, endOfStream: bool): bool {
    if (!head.mayBringMessages(endOfStream)) return false;
    if (head.isAtEndpoint || this.isNamed(head)) return true;
    const config = this.policy.config;
    if (!config.isClosed || !head.isJsonPost) return false;
    return config.isAboutAnyPath || isCandidate(head, false);
  }

  private isNamed(head: RequestHead): bool {
    return this.paths.include(head.path, head.pathLength, head.targetLength);
  }

  open(): StageState {
    return AccessCheck.take();
  }

  begin(state: StageState, request: GateRequest, head: RequestHead): Verdict {
    const check = changetype<AccessCheck>(state);
    check.isMcp = !this.policy.config.isClosed || head.hasMcpHeader || head.isAtEndpoint;
    if (!check.isMcp) check.isMcp = this.isNamed(head);
    check.mayBeEmpty = head.method != HttpMethod.Post && head.method != HttpMethod.Other;
    // Elsewhere headers may lead a server of Streamable HTTP.
    check.isHttpSse = head.isAtExactEndpoint;
    check.wantsStatus = head.isAtEndpoint || head.looksLikeHttpSse;
    check.hasRevision = head.hasRevision;
    check.revision = head.namesTwoRevisions ? UNKNOWN_REVISION : head.revision;
    check.origin = this.answers.originOf(head.origin, head.originLength);
    check.methodHash = head.mirrored.method;
    check.nameHash = head.mirrored.name;
    check.methodLineHash = head.mirrored.methodLine;
    check.nameLineHash = head.mirrored.nameLine;
    check.keepRequestId(head.requestId, head.requestIdLength);
    this.principals.find(this.caller, head.forwarded, head.forwardedLength);
    check.keepPrincipal(this.caller);
    if (!this.caller.isAnonymous) {
      request.exchange.stream.principal = keyedTextHash(
        this.caller.at,
        this.caller.length,
        this.caller.length + (this.caller.isCut ? 1 : 0),
      );
    }
    this.decisions.caller(check);
    this.calls.begin(check);
    const outlook = this.policy.outlook(this.caller, this.host.properties, this.calls.call, check.matches);
    const isAllowed = outlook == Outlook.Allowed;
    const mustHold = this.policy.isEnforced && !isAllowed;
    const refusal = refusalOf(head, check);
    if (refusal && mustHold) return this.answers.refuse(check, request, refusal);
    if (refusal && !isAllowed) {
      this.decisions.refusal(request, check, refusal);
    } else if (!mustHold) {
      check.reader = changetype<usize>(StrictReader.take(this.policy.keys.message));
      check.reads = true;
    }
    return mustHold ? HOLD : PASS;
  }

  grow(state: StageState, request: GateRequest): Verdict {
    if (request.size <= this.policy.hold.maxBodyBytes) return HOLD;
    return this.answers.refuse(changetype<AccessCheck>(state), request, RequestRefusal.TooLarge);
  }

  conclude(state: StageState, request: GateRequest): Verdict {
    return this.judge.conclude(changetype<AccessCheck>(state), request);
  }

  bytes(state: StageState, request: GateRequest, at: usize, length: usize): void {
    const check = changetype<AccessCheck>(state);
    const reader = changetype<StrictReader>(check.reader);
    if (!this.policy.isEnforced && request.size > this.policy.hold.maxBodyBytes) {
      this.decisions.refusal(request, check, RequestRefusal.TooLarge);
      return stopReading(check);
    }
    reader.feed(at, length);
    while (reader.next() == Reading.Message) {
      this.calls.begin(check);
      this.calls.read(reader, request);
      this.decisions.message(request, check, this.calls.call, this.calls.decide(check, reader), false);
    }
  }

  end(state: StageState, request: GateRequest): void {
    const check = changetype<AccessCheck>(state);
    const reader = changetype<StrictReader>(check.reader);
    if (!this.policy.isEnforced && !isEmpty(check, request)) {
      let refusal = RequestRefusal.None;
      let header = "";
      if (!reader.finish()) {
        refusal = reader.refusal;
      } else if (!reader.isBatch) {
        this.calls.read(reader, request);
        header = this.calls.mismatchedHeader(check, reader);
        if (header.length) refusal = RequestRefusal.HeaderMismatch;
      }
      if (refusal) this.decisions.refusal(request, check, refusal, reader.refusedKey, header);
    }
    stopReading(check);
  }

  expire(state: StageState, request: GateRequest): Verdict {
    return this.answers.refuse(changetype<AccessCheck>(state), request, RequestRefusal.NoBody);
  }

  close(state: StageState): void {
    const check = changetype<AccessCheck>(state);
    stopReading(check);
    check.release();
  }
}

/** Why the headers alone forbid to decide a request; None where they do not. */
function refusalOf(head: RequestHead, check: AccessCheck): RequestRefusal {
  if (head.isUpgrade || head.method == HttpMethod.Connect) return RequestRefusal.Upgrade;
  if (head.compressed) return RequestRefusal.Compressed;
  return head.isPlainJson || check.mayBeEmpty ? RequestRefusal.None : RequestRefusal.ContentType;
}

function stopReading(check: AccessCheck): void {
  if (check.reader) changetype<StrictReader>(check.reader).release();
  check.reader = 0;
  check.reads = false;
}

/** Whether the request brought no body, and need not. */
function isEmpty(check: AccessCheck, request: GateRequest): bool {
  return request.size == 0 && check.mayBeEmpty;
}
