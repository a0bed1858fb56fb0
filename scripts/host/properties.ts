/** The value of a property in a test. Text becomes UTF-8, integers 8 little-endian bytes, and booleans one byte, as in
 *  Envoy. */
export type PropertyValue = string | number | bigint | boolean | Uint8Array;

/** Properties by their dotted path, `xds.cluster_name`. */
export type Properties = Readonly<Record<string, PropertyValue>>;

/** The bytes that `proxy_get_property` returns for a value. */
export function encodeProperty(value: PropertyValue): Uint8Array {
  if (typeof value === "string") return Buffer.from(value);
  if (typeof value === "boolean") return Uint8Array.of(value ? 1 : 0);
  if (value instanceof Uint8Array) return value;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
