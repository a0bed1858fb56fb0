/** The bill of materials (SBOM) of a release, in CycloneDX. */
import { execFileSync } from "node:child_process";

/** The parts of npm's bill that are read here. */
interface Bill {
  serialNumber?: string;
  metadata: { timestamp: string; component: { name: string; hashes?: { alg: string; content: string }[] } };
  components: { "bom-ref": string; name: string; properties?: { name: string; value: string }[] }[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

/** Its standard library is compiled into the module. The other development dependencies are not part of a release. */
const COMPILED_IN = "assemblyscript";

/**
 * The bill as text, from package-lock.json by `npm sbom`: the packages that the command line needs, and those that are
 * compiled into the module. Unlike npm's own, it is the same each time: it has no serial number, and the time of the tag.
 * @param name the product's name, for which npm takes that of the folder
 * @param moduleHash the module's SHA-256 in hexadecimal digits
 */
export function billOfMaterials(name: string, time: string, moduleHash: string): string {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
  const bill = JSON.parse(execFileSync("npm", args, { encoding: "utf8", maxBuffer: 1 << 28 })) as Bill;
  delete bill.serialNumber;
  bill.metadata.timestamp = time;
  bill.metadata.component.name = name;
  bill.metadata.component.hashes = [{ alg: "SHA-256", content: moduleHash }];

  const needsOf = new Map(bill.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  const kept = new Set<string>();
  const keep = (ref: string) => {
    if (kept.has(ref)) return;
    kept.add(ref);
    needsOf.get(ref)?.forEach(keep);
  };
  const isDevelopment = ({ properties = [] }: Bill["components"][number]) =>
    properties.some((property) => property.name === "cdx:npm:package:development" && property.value === "true");
  for (const component of bill.components) {
    if (!isDevelopment(component) || component.name === COMPILED_IN) keep(component["bom-ref"]);
  }
  bill.components = bill.components.filter((component) => kept.has(component["bom-ref"]));
  const product = (bill.metadata.component as { "bom-ref"?: string })["bom-ref"];
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => kept.has(ref) || ref === product)
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
  return `${JSON.stringify(bill, null, 2)}\n`;
}
