/** The lists that answers bring, and what the tests' policy denies of them. */

export type Kind = "tools" | "prompts" | "resources" | "resourceTemplates";

export const KINDS: readonly Kind[] = ["tools", "prompts", "resources", "resourceTemplates"];

/** The method that asks for a list. */
export const METHODS: Record<Kind, string> = {
  tools: "tools/list",
  prompts: "prompts/list",
  resources: "resources/list",
  resourceTemplates: "resources/templates/list",
};

/** The member of an element by which clients ask for it. */
export const NAMED_BY: Record<Kind, string> = {
  tools: "name",
  prompts: "name",
  resources: "uri",
  resourceTemplates: "uriTemplate",
};

/** How names begin that {@link DENYING} denies, and others. */
export const DENIED_START: Record<Kind, string> = {
  tools: "deny",
  prompts: "deny",
  resources: "secret://deny/",
  resourceTemplates: "secret://deny/",
};
export const ALLOWED_START: Record<Kind, string> = {
  tools: "keep",
  prompts: "keep",
  resources: "test://keep/",
  resourceTemplates: "test://keep/",
};

/** The largest definition that is read, in bytes: larger ones are withheld. */
export const ELEMENT_LIMIT = 65_536;

/** A policy that denies of each kind what begins like {@link DENIED_START}. */
export const DENYING = {
  defaultAction: "ALLOW",
  rules: [
    { name: "no-tools", action: "DENY", to: [{ operation: { tools: ["deny*"] } }] },
    { name: "no-prompts", action: "DENY", to: [{ operation: { prompts: ["deny*"] } }] },
    { name: "no-resources", action: "DENY", to: [{ operation: { resources: ["secret://deny/*"] } }] },
  ],
};
