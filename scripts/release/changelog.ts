/** The section of a version in CHANGELOG.md. */

/** The text below the heading of this version, in Keep a Changelog's format; undefined if there is none. */
export function sectionOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => /^\[?([^\]\s]+)/.exec(text)?.[1] === version);
  return section?.slice(section.indexOf("\n") + 1).trim();
}
