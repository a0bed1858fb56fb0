import { TestModule } from "../module.ts";
import type { Told } from "./policy-oracle.ts";

/** The attributes of a request that policies use. */
export interface Asked {
  /** The peer certificate's URI SAN; empty if there is none. */
  readonly principal?: string;
  /** The peer's address, with a port. */
  readonly address?: string;
  /** Claims of the verified JWT by name: texts, or lists of texts. */
  readonly claims?: Readonly<Record<string, string | readonly string[]>>;
  /** Further attributes by their paths with slashes. */
  readonly properties?: Readonly<Record<string, string>>;
  /** `x-forwarded-client-cert`. */
  readonly forwarded?: string;
  readonly server?: string;
  /** The value of `MCP-Protocol-Version`. */
  readonly revision?: string;
  /** The client's name in its session. */
  readonly client?: string;
  /** The method of the server's request to which the message responds. */
  readonly answers?: string;
  readonly message: object;
  /** The JSON text of the message, if it differs from that of JSON.stringify. */
  readonly json?: string;
}

/** The decision of a policy about a request. */
export interface Decided {
  /** The index of the rule; -1 for the default, -9 if the message is refused. */
  readonly rule: number;
  readonly isDenied: boolean;
  /** Whether the request was allowed without reading the message. */
  readonly isAllowedBefore: boolean;
  /** The indices of all rules that apply, including dry-run rules. */
  readonly applying: number[];
}

/** The reason why a rule does not match or is undetermined. */
export interface Failure {
  readonly rule: number;
  /** The part's path in the rule: `from[0].source.principals`. */
  readonly failed: string;
  /** Whether the result of the part is undetermined. */
  readonly isUnknown: boolean;
}

/** The explanation of a decision. */
export interface Explained {
  readonly decided: Decided;
  /** The nearest ALLOW rule before the deciding one. */
  readonly nearest: Failure | undefined;
  /** How each rule and its parts match. */
  readonly rules: readonly { match: Told; failed: string; parts: Readonly<Record<string, Told>> }[];
}

interface Exports {
  configure: (at: number, length: number) => number;
  begin: () => void;
  property: (at: number, length: number, pathLength: number) => void;
  server: (at: number, length: number) => void;
  revision: (at: number, length: number) => void;
  client: (at: number, length: number) => void;
  answers: (at: number, length: number) => void;
  isAllowedBefore: (at: number, length: number) => number;
  decide: (at: number, length: number) => number;
  lists: (kind: number, at: number, length: number) => number;
  mayHide: (kind: number, fromCaller: number) => number;
  isDenial: (rule: number) => number;
  applying: () => number;
  explain: () => void;
  nearest: (decidedBy: number) => number;
  matchOf: (rule: number) => number;
  failed: (rule: number) => number;
  parts: (rule: number) => number;
}

const CLAIMS = "metadata/filter_metadata/envoy.filters.http.jwt_authn/payload/";

const module: TestModule<Exports> = new TestModule("policy");
const { exports } = module;

const TOLD: readonly Told[] = ["no", "unknown", "yes"];
let ruleCount = 0;

/** Sets the current policy: the `access` section of a configuration. Throws if it is invalid. */
export function takePolicy(access: object): void {
  const json = JSON.stringify({ match: { paths: ["/"] }, access });
  if (!module.lend(Buffer.from(json), exports.configure)) throw new Error(`invalid: ${json}`);
  ruleCount = (access as { rules?: unknown[] }).rules?.length ?? 0;
}

/** Decides a request by the current policy. */
export function decide(asked: Asked): Decided {
  return decideThen(asked, (decided) => decided);
}

/** Decides a request by the current policy, and explains the decision. */
export function explain(asked: Asked): Explained {
  return decideThen(asked, (decided) => {
    exports.explain();
    const index = exports.nearest(decided.rule);
    const rules = Array.from({ length: ruleCount }, (_, rule) => ({
      match: TOLD[exports.matchOf(rule)],
      failed: module.string(exports.failed(rule)),
      parts: JSON.parse(module.string(exports.parts(rule))) as Record<string, Told>,
    }));
    const failure = () => ({
      rule: index,
      failed: rules[index].failed,
      isUnknown: rules[index].match === "unknown",
    });
    return { decided, nearest: index < 0 ? undefined : failure(), rules };
  });
}

/** The lists of definitions, in the order of the enum ListKind. */
export const LIST_KINDS = ["tools", "prompts", "resources", "resourceTemplates"] as const;
export type ListKind = (typeof LIST_KINDS)[number];

/** The elements that a caller sees. */
export interface Shown {
  /** Whether each element is listed. */
  readonly isListed: readonly boolean[];
  /** Whether elements may be hidden from this caller, and from any caller. */
  readonly mayHide: boolean;
  readonly mayHideFromSome: boolean;
}

/** Filters a list of elements with these names for the caller of `asked`, ignoring its message. */
export function listed(asked: Omit<Asked, "message">, kind: ListKind, names: readonly string[]): Shown {
  begin(asked);
  const index = LIST_KINDS.indexOf(kind);
  return {
    isListed: names.map(
      (name) => module.lend(Buffer.from(name), (at, length) => exports.lists(index, at, length)) !== 0,
    ),
    mayHide: exports.mayHide(index, 1) !== 0,
    mayHideFromSome: exports.mayHide(index, 0) !== 0,
  };
}

/** Decides a request, and passes the decision to `use` while the message is in memory. */
function decideThen<Result>(asked: Asked, use: (decided: Decided) => Result): Result {
  const isAllowedBefore = begin(asked);
  return module.lend(Buffer.from(asked.json ?? JSON.stringify(asked.message)), (at, length) => {
    const rule = exports.decide(at, length);
    const bits = rule === -9 ? 0 : exports.applying();
    const applying = Array.from({ length: 32 }, (_, i) => i).filter((i) => (bits >>> i) & 1);
    return use({ rule, isDenied: rule !== -9 && exports.isDenial(rule) !== 0, isAllowedBefore, applying });
  });
}

/** Starts a request. Returns whether it is allowed without reading its message. */
function begin(asked: Omit<Asked, "message">): boolean {
  exports.begin();
  const properties = { ...asked.properties };
  if (asked.principal) properties["connection/uri_san_peer_certificate"] = asked.principal;
  if (asked.address) properties["source.address"] = asked.address;
  for (const [name, claim] of Object.entries(asked.claims ?? {})) {
    if (typeof claim === "string") properties[CLAIMS + name] = claim;
    else claim.forEach((element, i) => (properties[`${CLAIMS}${name}/${i}`] = element));
  }
  for (const [path, value] of Object.entries(properties)) {
    module.lend(Buffer.from(path + value), (at, length) => exports.property(at, length, Buffer.byteLength(path)));
  }
  const { server, revision, client, answers, forwarded = "" } = asked;
  if (server !== undefined) module.lend(Buffer.from(server), exports.server);
  if (revision !== undefined) module.lend(Buffer.from(revision), exports.revision);
  if (client !== undefined) module.lend(Buffer.from(client), exports.client);
  if (answers !== undefined) module.lend(Buffer.from(answers), exports.answers);
  return module.lend(Buffer.from(forwarded), exports.isAllowedBefore) !== 0;
}
