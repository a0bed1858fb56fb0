/** Changes a configuration entry of Consul in HCL, as text: no well-kept package writes HCL and keeps its comments. */
import type { Change } from "./change.ts";

const CLOSED = `# The filter fails closed, because of its policy or limits: without the module nothing passes.
    Required = true`;

/** The text of an entry with changes. Throws if the entry does not have a value exactly once. */
export function changeConsul(text: string, { service, file, sha256, plugin, failsClosed }: Change): string {
  let result = text;
  const replace = (place: RegExp, value: string | undefined) => {
    if (value === undefined) return;
    const found = result.match(new RegExp(place, "gm"));
    if (found?.length !== 1) throw new Error(`the entry has ${found?.length ?? 0} times ${place.source}`);
    result = result.replace(new RegExp(place, "m"), () => value);
  };
  replace(/(?<=^Name = ).*/, service && JSON.stringify(service));
  replace(/(?<=(?:URI +|Filename) = ).*/, file && JSON.stringify(file));
  replace(/(?<=SHA256 = ).*/, sha256 && JSON.stringify(sha256));
  replace(/# The filter fails open.*\n *Required = false/, failsClosed ? CLOSED : undefined);
  const [, before] = /<<JSON\n([^]*?)\nJSON$/m.exec(text) ?? [];
  const whole = plugin && { ...(JSON.parse(before ?? "{}") as object), ...plugin };
  replace(/(?<=<<JSON\n)[^]*?(?=\nJSON$)/, whole && JSON.stringify(whole, null, 2));
  return result;
}
