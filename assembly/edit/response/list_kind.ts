import { Method } from "../../mcp/protocol/methods";

/** The lists of definitions in responses. */
export enum ListKind {
  Tools,
  Prompts,
  Resources,
  ResourceTemplates,
}

export const LIST_KIND_COUNT: i32 = ListKind.ResourceTemplates + 1;

/** The members of results that are such lists (2026-07-28, schema.ts). */
export const LIST_NAMES: string[] = ["tools", "prompts", "resources", "resourceTemplates"];

/** The methods that request the lists, indexed by {@link ListKind}. */
export const LIST_METHODS: Method[] = [
  Method.ToolsList,
  Method.PromptsList,
  Method.ResourcesList,
  Method.ResourcesTemplatesList,
];

/** Parts of a response that are read or edited, one bit each. */
export type Parts = u32;

/** Server requests to clients, in event streams and in `inputRequests`. */
export const SERVER_REQUESTS: Parts = 1 << LIST_KIND_COUNT;
/** The errors in server responses to requests that the gate has rewritten. */
export const REWRITTEN_REQUESTS: Parts = SERVER_REQUESTS << 1;
/** The bits of all kinds of lists. */
export const ALL_LISTS: Parts = SERVER_REQUESTS - 1;

/** The bit of a kind of list. */
@inline
export function listPart(kind: ListKind): Parts {
  return 1 << kind;
}
