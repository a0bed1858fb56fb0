import { Method } from "../../mcp/protocol/methods";

/** The lists of definitions that answers bring. */
export enum ListKind {
  Tools,
  Prompts,
  Resources,
  ResourceTemplates,
}

export const LIST_KIND_COUNT: i32 = ListKind.ResourceTemplates + 1;

/** The members of results that are such lists (2026-07-28, schema.ts). */
export const LIST_NAMES: string[] = ["tools", "prompts", "resources", "resourceTemplates"];

/** The methods that ask for them, by {@link ListKind}. */
export const LIST_METHODS: Method[] = [
  Method.ToolsList,
  Method.PromptsList,
  Method.ResourcesList,
  Method.ResourcesTemplatesList,
];

/** Parts of a response that are read or edited: a bit for each. */
export type Parts = u32;

/** The requests of servers to clients, in event streams and in `inputRequests`. */
export const SERVER_REQUESTS: Parts = 1 << LIST_KIND_COUNT;
/** The errors by which servers answer requests that the gate has rewritten. */
export const REWRITTEN_REQUESTS: Parts = SERVER_REQUESTS << 1;
/** All lists. */
export const ALL_LISTS: Parts = SERVER_REQUESTS - 1;

/** The bit of a kind of list. */
@inline
export function listPart(kind: ListKind): Parts {
  return 1 << kind;
}
