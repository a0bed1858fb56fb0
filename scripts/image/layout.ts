/**
 * An OCI image of a WebAssembly module as an OCI image layout, in the form that Istio and Envoy Gateway pull: one
 * layer, tar and gzip, with a file `plugin.wasm` (the "compat" variant of
 * https://github.com/solo-io/wasm/tree/master/spec).
 */
import { createHash } from "node:crypto";
import { type Files, gzip, tar } from "./archive.ts";

/** The one file of the layer. Both fetchers look for this name. */
const MODULE_NAME = "plugin.wasm";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** An image and its name in the layout. */
export interface Image {
  /** The files of the layout by path. */
  files: Files;
  /** `sha256:` and the hexadecimal hash of the manifest, by which the image is pulled. */
  digest: string;
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** The image of `module`, named `tag` in its layout. The same arguments give the same bytes. */
export async function makeImage(
  module: Uint8Array,
  tag: string,
  annotations: Readonly<Record<string, string>>,
): Promise<Image> {
  const files = new Map<string, Uint8Array>();
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const hash = sha256(bytes);
    files.set(`blobs/sha256/${hash}`, bytes);
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };

  const archive = await tar(new Map([[MODULE_NAME, module]]));
  const layer = add("application/vnd.oci.image.layer.v1.tar+gzip", gzip(archive));
  const config = add(
    "application/vnd.oci.image.config.v1+json",
    json({
      // The module runs on any processor and imports wasi_snapshot_preview1. These are Go's names for that.
      architecture: "wasm",
      os: "wasip1",
      config: {},
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(archive)}`] },
    }),
  );
  const manifest = add(MANIFEST, json({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer], annotations }));
  files.set("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  files.set(
    "index.json",
    json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [{ ...manifest, annotations: { "org.opencontainers.image.ref.name": tag } }],
    }),
  );
  return { files, digest: manifest.digest };
}

/** The hexadecimal SHA-256 of the bytes. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
