/** Access policies for which an ambiguous document could try to bypass every part. */

export type RuleAction = "ALLOW" | "DENY";

/** The part of the policy language about messages. All callers are the same here. */
export interface Policy {
  readonly defaultAction: RuleAction;
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly name: string;
  readonly action: RuleAction;
  readonly to?: readonly { readonly operation: Operation }[];
  readonly when?: readonly Condition[];
}

/** An operation: patterns by member name. */
export type Operation = Readonly<
  Partial<Record<OperationField | `not${Capitalize<OperationField>}`, readonly string[]>>
>;

type OperationField = "methods" | "tools" | "prompts" | "resources";

export interface Condition {
  /** `mcp.arguments[name][name]`. */
  readonly key: string;
  readonly values?: readonly Scalar[];
  readonly notValues?: readonly Scalar[];
}

export type Scalar = string | number | boolean;

const [PATH, COUNT, FORCE] = ["mcp.arguments[path]", "mcp.arguments[count]", "mcp.arguments[force]"];
/** Two of its letters have others beyond ASCII that fold to them. */
const MASK = "mcp.arguments[options][mask]";

const to = (...operations: Operation[]): Rule["to"] => operations.map((operation) => ({ operation }));

/** Only what a rule names passes. */
export const ALLOW_LIST: Policy = {
  defaultAction: "DENY",
  rules: [
    { name: "no-escape", action: "DENY", to: to({ tools: ["read_*"] }), when: [{ key: PATH, values: ["*..*"] }] },
    { name: "lists", action: "ALLOW", to: to({ methods: ["initialize", "ping", "*/list", "notifications/*"] }) },
    { name: "read", action: "ALLOW", to: to({ tools: ["read_*"] }), when: [{ key: PATH, values: ["/tmp/*"] }] },
    { name: "count", action: "ALLOW", to: to({ tools: ["count"] }), when: [{ key: COUNT, values: [1, 2, 5] }] },
    { name: "gentle", action: "ALLOW", to: to({ tools: ["force"] }), when: [{ key: FORCE, notValues: [true] }] },
    { name: "mask", action: "ALLOW", to: to({ tools: ["mask"] }), when: [{ key: MASK, values: ["task", "kilo*"] }] },
    { name: "greet", action: "ALLOW", to: to({ prompts: ["greet*"] }, { resources: ["file:///public/*"] }) },
    { name: "even", action: "ALLOW", to: to({ tools: ["even\ufffd"] }) },
    {
      name: "others",
      action: "ALLOW",
      to: to({ notTools: ["*_*", "count", "force", "mask", "secret", "odd*", "even*"] }),
    },
  ],
};

/** Everything passes except what a rule names. */
export const DENY_LIST: Policy = {
  defaultAction: "ALLOW",
  rules: [
    { name: "tools", action: "DENY", to: to({ tools: ["delete_*", "secret", "odd\ufffd"] }) },
    { name: "prompts", action: "DENY", to: to({ prompts: ["secret*"] }) },
    { name: "resources", action: "DENY", to: to({ resources: ["file:///secret*"] }) },
    { name: "methods", action: "DENY", to: to({ methods: ["tasks/*", "logging/setLevel"] }) },
    { name: "path", action: "DENY", to: to({ tools: ["read_*"] }), when: [{ key: PATH, values: ["/etc/*"] }] },
    { name: "count", action: "DENY", to: to({ tools: ["count"] }), when: [{ key: COUNT, values: [0, 5] }] },
    { name: "force", action: "DENY", to: to({ tools: ["force"] }), when: [{ key: FORCE, values: [true] }] },
    { name: "mask", action: "DENY", to: to({ tools: ["mask"] }), when: [{ key: MASK, values: ["secret*"] }] },
    { name: "outside", action: "DENY", to: to({ tools: ["write_*"] }), when: [{ key: PATH, notValues: ["/tmp/*"] }] },
  ],
};

/** Both, and each denying rule separately, so that no other rule hides a fault. */
export const POLICIES: readonly Policy[] = [
  ALLOW_LIST,
  DENY_LIST,
  ...DENY_LIST.rules.map((rule): Policy => ({ defaultAction: "ALLOW", rules: [rule] })),
];

/** Denies what nobody calls, and must read each message completely to know. */
export const ALMOST_ALL: Policy = {
  defaultAction: "ALLOW",
  rules: [
    // A rule that denies a tool also applies to tasks whose tool is unknown.
    { name: "tasks", action: "ALLOW", to: to({ methods: ["tasks/*"] }) },
    { name: "tool", action: "DENY", to: to({ tools: ["never"] }) },
    {
      name: "arguments",
      action: "DENY",
      to: to({ methods: ["never/called"] }),
      when: [PATH, COUNT, FORCE, MASK].map((key) => ({ key, values: ["never"] })),
    },
  ],
};

/** Hides server requests that no server sends. */
const NO_QUESTIONS = {
  name: "questions",
  action: "DENY",
  to: [{ operation: { direction: "server_to_client", methods: ["never/asked"] } }],
};

/**
 * {@link ALMOST_ALL}, with responses edited wherever possible. A continued call of 2026-07-28 does not say what was
 * asked: with `mayContinue`, server requests are not edited.
 */
export function editing(mayContinue = false): { rules: object[] } {
  const rules = [...ALMOST_ALL.rules, { name: "prompt", action: "DENY", to: to({ prompts: ["never"] }) }];
  return { ...ALMOST_ALL, rules: mayContinue ? rules : [...rules, NO_QUESTIONS] };
}
