import { read } from "./reader.ts";

/** Reads a policy on a path, so that nothing but the policy can be wrong. */
export function policy(access: unknown): { access: string[]; errors: string[]; warnings: string[] } {
  const { access: shown, errors, warnings } = read(JSON.stringify({ match: { paths: ["/mcp"] }, access }));
  return { access: shown, errors, warnings };
}

/** The errors of a policy whose one rule is good but for these fields. */
export function rule(fields: object): string[] {
  return policy({ rules: [{ name: "r", action: "ALLOW", ...fields }] }).errors;
}

/** Reads limits on a path, so that nothing but the limits can be wrong. */
export function limits(limits: unknown): { limits: string[]; errors: string[]; warnings: string[] } {
  const { limits: shown, errors, warnings } = read(JSON.stringify({ match: { paths: ["/mcp"] }, limits }));
  return { limits: shown, errors, warnings };
}
