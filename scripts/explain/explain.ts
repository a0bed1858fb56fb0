/** Explains what the filter does with a request: sends it through the filter, and reads what the filter reports. */
import { validlyConfigured } from "../filter/configured.ts";
import { type AccessReport, accessReport, linesOf, type Refusal, refusalIn } from "./access.ts";
import { type Caller, type CallerFacts, factsOf } from "./caller.ts";
import { type Configuration, identityOf, reporting } from "./configuration.ts";
import { type Driven, drive } from "./drive.ts";
import { elementsOf, member, parsed, without } from "./json.ts";
import { type KeyPart, keyValue, type KeyValue } from "./key.ts";
import { askedRules, limitReport, type LimitReport } from "./limits.ts";
import { headersFor, type Request } from "./request.ts";

/** What happens to a message: it reaches the server, or access, a limit, or a doubt about its meaning prevents that. `held`: the
 *  filter waits for something that the request does not bring. */
export type Decision = "allowed" | "denied" | "limited" | "refused" | "held";

/** What the client receives instead of the server's answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON value; null for an empty body. */
  readonly body: unknown;
}

/** What the filter does with one message; or with a whole request that it cannot read. */
export interface MessageReport {
  readonly method?: string;
  readonly target?: string;
  readonly id?: unknown;
  readonly decision: Decision;
  /** The rule of access, or of limits if the message is limited. Missing if no policy covers it. */
  readonly rule?: string;
  /** Present if two parsers could read the request differently. In shadow mode it is allowed nevertheless. */
  readonly refusal?: Refusal;
  /** Present if the filter answers. */
  readonly answer?: Answer;
  /** Missing if no policy covers the request. */
  readonly access?: AccessReport;
  readonly limits: readonly LimitReport[];
  /** Whether a limit that adapts applies too. */
  readonly isAdaptive: boolean;
}

/** What the filter does with a request. */
export interface Explanation {
  /** `allowed` if all messages are. */
  readonly decision: Decision;
  /** The caller's principal as the filter shows it; missing if it knows none. */
  readonly principal?: string;
  readonly messages: readonly MessageReport[];
}

/** A request of a caller. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Headers besides those that each client sends. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Request["body"];
  readonly caller: Caller;
}

/** Explains a request. The configuration must be valid. */
export function explain(configuration: Configuration, asked: Asked): Explanation {
  const { method, path, body } = asked;
  const facts = factsOf(asked.caller, identityOf(configuration));
  const request = { method, path, body, headers: headersFor(body, asked.headers) };
  const whole = send(configuration, facts, request);
  const document = parsed(body);
  const report = messageReport(configuration, asked.caller, facts, request, whole);
  const elements = Array.isArray(document) && report.refusal === undefined ? elementsOf(body) : [];
  const messages =
    elements.length === 0 ? [report] : elements.map((text) => inBatch(configuration, asked, facts, text, whole.driven));
  const principal = whole.driven.state.get("mcp.principal");
  const decision = messages.find((message) => message.decision !== "allowed")?.decision ?? "allowed";
  return { decision, ...(principal && { principal }), messages };
}

interface Sent {
  readonly plugin: ReturnType<typeof validlyConfigured>;
  readonly driven: Driven;
}

function send(configuration: Configuration, facts: CallerFacts, request: Request): Sent {
  const plugin = validlyConfigured(reporting(configuration), { allowHeadersStop: true });
  return { plugin, driven: drive(plugin, facts, request) };
}

/** One message of a batch: explained as if it came alone, but decided together with the others. */
function inBatch(
  configuration: Configuration,
  asked: Asked,
  facts: CallerFacts,
  text: string,
  batch: Driven,
): MessageReport {
  const { method, path, headers } = asked;
  const request = { method, path, body: text, headers: headersFor(text, headers) };
  const report = without(
    messageReport(configuration, asked.caller, facts, request, send(configuration, facts, request)),
    ["answer"],
  );
  const status = batch.stream.reply?.status ?? 200;
  const body = filterAnswerIn(batch, report.id);
  if (body === undefined) return report;
  const answer = { status, headers: {}, body };
  const limit = member(body, "error", "data", "rule");
  if (report.decision !== "allowed" || typeof limit !== "string") return { ...report, answer };
  return { ...report, decision: "limited", rule: limit, answer };
}

/** The filter's answer to the request with this id; undefined if the server has answered. */
function filterAnswerIn({ stream }: Driven, id: unknown): unknown {
  if (id === undefined) return undefined;
  const body = parsed(stream.reply?.body ?? stream.received.toString());
  const answers = (Array.isArray(body) ? body : [body]) as unknown[];
  return answers.find(
    (answer) => member(answer, "id") === id && (stream.reply !== undefined || member(answer, "error") !== undefined),
  );
}

function messageReport(
  configuration: Configuration,
  caller: Caller,
  facts: CallerFacts,
  request: Request,
  { plugin, driven }: Sent,
): MessageReport {
  const message = parsed(request.body);
  const [method, id] = [member(message, "method"), member(message, "id")];
  const access = accessReport(plugin, driven, configuration);
  const refusal = [...linesOf(plugin, "mcp_access_denied"), ...linesOf(plugin, "mcp_limit_refused")].flatMap(
    refusalIn,
  )[0];
  const { rules, isAdaptive } = askedRules(plugin, configuration);
  const values = new Map<string, KeyValue>();
  const valueOf = (part: KeyPart): KeyValue => {
    const name = JSON.stringify(part);
    const value = values.get(name) ?? keyValue(part, configuration, caller, request);
    values.set(name, value);
    return value;
  };
  const isSingle = !Array.isArray(message);
  return {
    ...(typeof method === "string" && { method }),
    ...(typeof method === "string" && targetOf(message)),
    ...(id !== undefined && { id }),
    ...decisionOf(driven, access),
    ...(refusal !== undefined && { refusal }),
    ...answerOf(driven),
    ...(access !== undefined && { access }),
    limits: isSingle ? rules.map((rule) => limitReport(rule, configuration, facts, request, valueOf)) : [],
    isAdaptive: isAdaptive,
  };
}

/** The tool, prompt or resource that a message names. */
function targetOf(message: unknown): { target?: string } {
  const params = member(message, "params");
  const [name, uri] = [member(params, "name"), member(params, "uri")];
  const target = typeof name === "string" ? name : uri;
  return typeof target === "string" ? { target } : {};
}

function decisionOf(
  { stream, outcome }: Driven,
  access: AccessReport | undefined,
): Pick<MessageReport, "decision" | "rule"> {
  if (outcome === "held") return { decision: "held" };
  if (outcome === "passed") return { decision: "allowed", ...(access !== undefined && { rule: access.rule }) };
  const [, kind, rule] = /^mcp_(access_denied|limited)\[(.*)\]$/.exec(stream.reply?.details ?? "") ?? [];
  if (kind === "access_denied") return { decision: "denied", rule };
  if (kind === "limited") return { decision: "limited", rule };
  return { decision: "refused", rule: "_refused" };
}

function answerOf({ stream: { reply } }: Driven): { answer?: Answer } {
  if (reply === undefined) return {};
  const { status, headers, body } = reply;
  return {
    answer: { status, headers: Object.fromEntries(headers), body: body === "" ? null : (JSON.parse(body) as unknown) },
  };
}
