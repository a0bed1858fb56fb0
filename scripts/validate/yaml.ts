/** YAML and JSON as proxies and control planes read them, with the offset of each value. */
import { Composer, type CST, type Document, Parser, Scalar, type ScalarTag } from "yaml";
import type { Problem } from "./problem.ts";
import type { Text } from "./text.ts";

/** The booleans of YAML 1.1 that YAML 1.2 does not have: Kubernetes and Envoy still read them. */
const OLD_BOOLEAN: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/,
  resolve: (text) => new Scalar(/^(?:y|on)/i.test(text)),
};

/** The documents of a text. Those with {@link faultsOf} are incomplete. */
export function documentsIn({ text }: Text): Document.Parsed[] {
  const composer = new Composer({
    merge: true,
    logLevel: "silent",
    customTags: (tags) => [OLD_BOOLEAN, ...tags],
  });
  return [...composer.compose(withFirstFaults(new Parser().parse(text)))] as Document.Parsed[];
}

/** The tokens of documents without the faults after the first one of each: text that is not YAML may have one at every word. */
function* withFirstFaults(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  let hasFault = false;
  for (const token of tokens) {
    if (token.type === "document") hasFault = false;
    if (token.type === "error" && hasFault) continue;
    hasFault ||= token.type === "error";
    yield token;
  }
}

/** Why a text is not valid YAML: the first error of each document, because further ones may follow from it. */
export function faultsOf(documents: readonly Document[], text: Text, configuration: string): Problem[] {
  return documents.flatMap(({ errors: [error] }): Problem[] => {
    if (error === undefined) return [];
    const offset = text.fileOffset(error.pos[0]);
    return [{ severity: "error", configuration, path: "", message: `invalid YAML: ${error.message}`, offset }];
  });
}

/** The JSON of a node of a document, as a control plane writes it. Throws if aliases are nested too deeply. */
export function jsonOf(node: unknown, document: Document): string {
  return JSON.stringify((node as { toJS(of: Document): unknown }).toJS(document));
}
