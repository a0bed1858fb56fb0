/** TLS of a listener, as Envoy is configured with it. */
import type { Identity } from "./certificates.ts";

/** A listener's certificate, and the authority (PEM) whose certificates its clients must have. */
export interface DownstreamTls {
  server: Identity;
  /** Absent: clients need no certificate. */
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
