/** The metadata in which Envoy's `jwt_authn` stores verified payloads. NUL separates the segments, since some contain dots. */
const METADATA = "metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0";

/** The attribute path of a JWT claim, for `Properties.findSegments`. `payloadKey` is the payload's key in the metadata. */
export function claimPath(payloadKey: string, path: string[]): string {
  return METADATA + payloadKey + "\0" + path.join("\0");
}
