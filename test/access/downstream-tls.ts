/** TLS of a listener, in Envoy's configuration. */
import type { Identity } from "./certificates.ts";

/** A listener's certificate, and the authority (PEM) that must have signed its clients' certificates. */
export interface DownstreamTls {
  server: Identity;
  /** If absent, clients need no certificate. */
  ca?: string;
}

/** The transport socket of a listener's filter chain. */
export function downstreamTls({ server, ca }: DownstreamTls): Record<string, unknown> {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      require_client_certificate: ca !== undefined,
      common_tls_context: {
        alpn_protocols: ["h2", "http/1.1"],
        tls_certificates: [
          { certificate_chain: { inline_string: server.cert }, private_key: { inline_string: server.key } },
        ],
        ...(ca !== undefined && { validation_context: { trusted_ca: { inline_string: ca } } }),
      },
    },
  };
}
