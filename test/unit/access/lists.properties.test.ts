/** What lists show: by trying all calls that a caller could make of an element. */
import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { listed, type ListKind, takePolicy } from "./policy.ts";
import { asked, rules } from "./policy-cases.ts";
import { conditionsOf, isDenied, type Rule } from "./policy-oracle.ts";

/** What arguments are tried: what the rules' conditions name, and what none names. */
const VALUES = [undefined, "a", "ab", "zz", "2025-1", "false", 5, 0, 7, true, false];
const ARGUMENTS = VALUES.flatMap((p) => VALUES.map((r) => ({ ...(p !== undefined && { p }), q: { r } })));
const NAMES = ["a", "ab", "b", "zz", "a:x"];
const URIS = ["a:x", "a:b", "a:zz", "b:x"];

const USES = {
  tools: { method: "tools/call", member: "name", names: NAMES },
  prompts: { method: "prompts/get", member: "name", names: NAMES },
  resources: { method: "resources/read", member: "uri", names: URIS },
} as const;
/** Templates, and what can be made of them. */
const TEMPLATES: Record<string, readonly string[]> = {
  "a:{x}": ["a:x", "a:b", "a:zz", "a:q"],
  "{s}:x": ["a:x", "b:x", "q:x"],
  "b:x": ["b:x"],
  "zz:{?q}": ["zz:x", "zz:b"],
};

/** Whether some call is allowed, with whatever arguments. */
function isUsable(rules: Rule[], action: "ALLOW" | "DENY", who: object, method: string, params: object): boolean {
  return ARGUMENTS.some(
    (args) => !isDenied(rules, action, { ...who, message: { id: 1, method, params: { ...params, arguments: args } } }),
  );
}

/** Whether conditions on arguments can be fulfilled and avoided one without the other: at most one is about each argument, and
 *  that one can be fulfilled where it allows, and avoided where it denies. */
function isIndependent(rules: readonly Rule[]): boolean {
  const enforced = rules.filter(({ mode }) => mode !== "shadow");
  const conditions = enforced.flatMap(({ action, when = [] }) =>
    when.filter(({ key }) => key.startsWith("mcp.arguments")).map((condition) => ({ action, condition })),
  );
  if (new Set(conditions.map(({ condition }) => condition.key)).size < conditions.length) return false;
  return conditions.every(({ action, condition }) =>
    ARGUMENTS.some((args) => {
      const [told] = conditionsOf(
        { when: [condition] },
        { message: { method: "tools/call", params: { arguments: args } } },
      );
      return told === (action === "ALLOW" ? "yes" : "no");
    }),
  );
}

describe("a list", () => {
  const seen = { listed: 0, hidden: 0, exact: 0, whole: 0, templates: 0, hiddenTemplates: 0 };
  const actions = fc.constantFrom("ALLOW" as const, "DENY" as const);

  itHolds(
    "shows an element if and only if some call of it is allowed",
    400,
    fc.property(
      rules,
      actions,
      asked,
      fc.constantFrom<keyof typeof USES>("tools", "prompts", "resources"),
      (rules, action, who, kind) => {
        takePolicy({ rules, defaultAction: action });
        const { method, member, names } = USES[kind];
        const { isListed, mayHide, mayHideFromSome } = listed(who, kind, names);
        const isExact = isIndependent(rules);
        names.forEach((name, i) => {
          const isAllowed = isUsable(rules, action, who, method, { [member]: name });
          if (isAllowed || isExact) assert.equal(isListed[i], isAllowed, `${kind} ${name}`);
          if (!isListed[i]) assert.ok(mayHide, `${kind} ${name} is hidden, and cannot be`);
          seen[isListed[i] ? "listed" : "hidden"]++;
          if (isExact) seen.exact++;
        });
        if (mayHide) assert.ok(mayHideFromSome);
        else seen.whole++;
      },
    ),
  );

  itHolds(
    "shows a template if something that can be made of it may be read",
    400,
    fc.property(rules, actions, asked, (rules, action, who) => {
      takePolicy({ rules, defaultAction: action });
      const kind: ListKind = "resourceTemplates";
      const { isListed, mayHide } = listed(who, kind, Object.keys(TEMPLATES));
      Object.entries(TEMPLATES).forEach(([template, uris], i) => {
        const isAllowed = uris.some((uri) => isUsable(rules, action, who, "resources/read", { uri }));
        if (isAllowed) assert.ok(isListed[i], template);
        if (!isListed[i]) assert.ok(mayHide, `${template} is hidden, and cannot be`);
        seen[isListed[i] ? "templates" : "hiddenTemplates"]++;
      });
    }),
  );

  it("was asked for all of it", () => {
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(50);
  });
});
