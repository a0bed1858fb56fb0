/** The files for meshes and for Envoy, with the digests of a release filled in. */

/** What a release is referred to by. */
export interface Digests {
  /** The repository of the image, without a tag. */
  image: string;
  version: string;
  /** `sha256:` and the hash of the image's manifest. */
  imageDigest: string;
  /** The hash of the module in hexadecimal digits. */
  moduleHash: string;
}

/** The comments that ask for a digest. */
const REQUESTS = /^ *# In production\b.*\n(?: *#.*\n)*/gm;
/** The addresses of the image: Istio's, and Envoy Gateway's, which has no scheme. */
const ISTIO = /\boci:\/\/registry\.example\.com\/mcp-proxy-wasm:\S+/g;
const GATEWAY = /^( *)url: registry\.example\.com\/mcp-proxy-wasm:\S+$/gm;
/** The place of the module's hash. */
const NO_HASH = /"0{64}"/g;

/** The text of a file under envoy/, which then refers to the released image and module. */
export function filledIn(text: string, { image, version, imageDigest, moduleHash }: Digests): string {
  const imageHash = imageDigest.replace("sha256:", "");
  return text
    .replace(REQUESTS, "")
    .replace(ISTIO, `oci://${image}@${imageDigest}`)
    .replace(GATEWAY, (_, indent: string) => `${indent}url: ${image}:${version}\n${indent}sha256: "${imageHash}"`)
    .replace(NO_HASH, `"${moduleHash}"`);
}
