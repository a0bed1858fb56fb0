/** Renders problems that keep the filter from working, as lines above the table. */
import { colors } from "../cli/colors.ts";

export interface Problems {
  /** The filter's own errors and warnings about its configuration, as far as they are known. */
  errors: readonly string[];
  warnings: readonly string[];
  /** One sentence for each upstream that accepts no connections. */
  upstreams: readonly string[];
}

/** Renders one line per problem. `invalid` is the result of readInvalid. Returns "" if there are no problems. */
export function renderProblems({ errors, warnings, upstreams }: Problems, invalid: number): string {
  const lines = upstreams.map((sentence) => colors.red(sentence));
  if (errors.length > 0 || invalid > 0) {
    lines.push(colors.red(`The configuration is invalid and not in force: mcp_configuration_invalid ${invalid}`));
    lines.push(...errors.map((error) => `  ${error}`));
  }
  if (warnings.length > 0) {
    lines.push(colors.yellow("The filter warns about the configuration"));
    lines.push(...warnings.map((warning) => `  ${warning}`));
  }
  return lines.join("\n");
}
