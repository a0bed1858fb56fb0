import { TestModule } from "../module.ts";
import type { Told } from "./policy-oracle.ts";

/** A request as far as policies ask for it. */
export interface Asked {
  /** The peer certificate's URI SAN; empty where there is none. */
  readonly principal?: string;
  /** The peer's address, with a port. */
  readonly address?: string;
  /** Claims of the verified JWT, by their names: texts, or lists of them. */
  readonly claims?: Readonly<Record<string, string | readonly string[]>>;
  /** Attributes by their paths with slashes, beside these. */
  readonly properties?: Readonly<Record<string, string>>;
  /** `x-forwarded-client-cert`. */
  readonly forwarded?: string;
  readonly server?: string;
  /** What `MCP-Protocol-Version` names. */
  readonly revision?: string;
  /** What the client was called when its session began. */
  readonly client?: string;
  /** What the server asked by that the message answers. */
  readonly answers?: string;
  readonly message: object;
  /** The message as it is written, where JSON.stringify would write it in another way. */
  readonly json?: string;
}

/** What a policy says of a request. */
export interface Decided {
  /** The index of the rule; -1 for the default, -9 where the message is refused. */
  readonly rule: number;
  readonly isDenied: boolean;
  /** It was known without the message that it is allowed. */
  readonly isAllowedBefore: boolean;
  /** The indices of all rules that apply, those that are only tried out too. */
  readonly applying: number[];
}

/** Why a rule does not match, or only might. */
export interface Failure {
  readonly rule: number;
  /** The part's path in the rule: `from[0].source.principals`. */
  readonly failed: string;
  /** It could not be determined whether the part matches. */
  readonly isUnknown: boolean;
}

/** Why a request was decided as it was. */
export interface Explained {
  readonly decided: Decided;
  /** The ALLOW rule before the deciding one that came nearest to applying. */
  readonly nearest: Failure | undefined;
  /** Of each rule: how it matches, and how its parts do. */
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

/** Takes a policy in hand: `access` of a configuration. Throws where it is invalid. */
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

/** What lists show to a caller. */
export interface Shown {
  /** Of each element whether it is listed. */
  readonly isListed: readonly boolean[];
  /** Whether something may be hidden from this caller, and from some caller. */
  readonly mayHide: boolean;
  readonly mayHideFromSome: boolean;
}

/** Says what a list of elements of these names shows to who asks: `asked` without its message. */
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

/** Decides a request, and gives `use` the decision while the message is in memory. */
function decideThen<Result>(asked: Asked, use: (decided: Decided) => Result): Result {
  const isAllowedBefore = begin(asked);
  return module.lend(Buffer.from(asked.json ?? JSON.stringify(asked.message)), (at, length) => {
    const rule = exports.decide(at, length);
    const bits = rule === -9 ? 0 : exports.applying();
    const applying = Array.from({ length: 32 }, (_, i) => i).filter((i) => (bits >>> i) & 1);
    return use({ rule, isDenied: rule !== -9 && exports.isDenial(rule) !== 0, isAllowedBefore, applying });
  });
}

/** Begins a request. Returns whether it is known without its message that it is allowed. */
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
