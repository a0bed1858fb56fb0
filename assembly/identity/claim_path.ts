/** Where Envoy's `jwt_authn` leaves the payloads that it has verified. NUL separates segments, since some contain dots. */
const METADATA = "metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0";

/** The path of a JWT's claim among the proxy's attributes, for `Properties.findSegments`. `payloadKey`: the payload's key in
 *  the metadata. */
export function claimPath(payloadKey: string, path: string[]): string {
  return METADATA + payloadKey + "\0" + path.join("\0");
}
