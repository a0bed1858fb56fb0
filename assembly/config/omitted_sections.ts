/** The sections of the configuration that this build of the module cannot serve. */
let omitted: string[] = [];

/** Sets the sections that this build cannot serve, because its host lacks what they need. Called once, by the entry. */
export function omitSections(names: string[]): void {
  omitted = names;
}

/** Whether this build cannot serve the section with this name. */
export function isOmitted(name: string): bool {
  return omitted.includes(name);
}
