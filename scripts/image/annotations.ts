/** What an image says of itself. */

/** The part of package.json that the image repeats. */
export interface Package {
  name: string;
  version: string;
  description: string;
  license: string;
  homepage?: string;
}

/** The image's annotations. `source`: the address of the source; absent if undefined. */
export function annotationsOf(
  { name, version, description, license }: Package,
  source: string | undefined,
): Record<string, string> {
  return {
    "org.opencontainers.image.title": name,
    "org.opencontainers.image.description": description,
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.licenses": license,
    ...(source === undefined ? {} : { "org.opencontainers.image.source": source }),
  };
}
