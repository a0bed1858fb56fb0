/** Certificates like those of a mesh: a workload is identified by a SPIFFE ID, the certificate's only URI name. */
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

/** A certificate and its private key, as PEM. */
export interface Identity {
  cert: string;
  key: string;
}

/** Signs certificates. */
export interface Authority {
  /** The authority's own certificate, as PEM. */
  ca: string;
  /** A certificate for a workload with this URI, e.g. `spiffe://mesh.example/ns/a/sa/b`. */
  workload(uri: string): Promise<Identity>;
  /** A certificate for a server: for 127.0.0.1, or for a DNS name. */
  server(dnsName?: string): Promise<Identity>;
}

/** Creates an authority that is trusted only where its certificate is configured. */
export async function makeAuthority(name: string): Promise<Authority> {
  const keys = await makeKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = (subject: string, names: Extension) => issueCertificate(root, keys.privateKey, subject, names);
  return {
    ca: root.toString("pem"),
    workload: (uri) => issue("", new SubjectAlternativeNameExtension([{ type: "url", value: uri }], true)),
    server: (dnsName) => {
      const name =
        dnsName === undefined ? { type: "ip" as const, value: "127.0.0.1" } : { type: "dns" as const, value: dnsName };
      return issue("CN=server", new SubjectAlternativeNameExtension([name]));
    },
  };
}

async function issueCertificate(
  root: X509Certificate,
  signingKey: CryptoKey,
  subject: string,
  names: Extension,
): Promise<Identity> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    subject,
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    ...validity(),
    extensions: [new BasicConstraintsExtension(false, undefined, true), names],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: certificate.toString("pem"), key: PemConverter.encode(key, "PRIVATE KEY") };
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** The period begins in the past, for clocks that differ. */
function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + 24 * HOUR_MS) };
}
