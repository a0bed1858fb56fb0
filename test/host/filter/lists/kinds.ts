/** The kinds of lists, and the elements that the tests' policy denies. */

export type Kind = "tools" | "prompts" | "resources" | "resourceTemplates";

export const KINDS: readonly Kind[] = ["tools", "prompts", "resources", "resourceTemplates"];

/** The method that requests a list, by kind. */
export const METHODS: Record<Kind, string> = {
  tools: "tools/list",
  prompts: "prompts/list",
  resources: "resources/list",
  resourceTemplates: "resources/templates/list",
};

/** The member that identifies an element in requests, by kind. */
export const NAMED_BY: Record<Kind, string> = {
  tools: "name",
  prompts: "name",
  resources: "uri",
  resourceTemplates: "uriTemplate",
};

/** The beginnings of names that {@link DENYING} denies, and of other names. */
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

/** The maximum size of a definition in bytes. Larger definitions are withheld. */
export const ELEMENT_LIMIT = 65_536;

/** A policy that denies, for each kind, names that begin with {@link DENIED_START}. */
export const DENYING = {
  defaultAction: "ALLOW",
  rules: [
    { name: "no-tools", action: "DENY", to: [{ operation: { tools: ["deny*"] } }] },
    { name: "no-prompts", action: "DENY", to: [{ operation: { prompts: ["deny*"] } }] },
    { name: "no-resources", action: "DENY", to: [{ operation: { resources: ["secret://deny/*"] } }] },
  ],
};
