/** Principals that a test sets by a header, in the place where Istio's waypoints put those of peers. */
import type { Config } from "./proxy.ts";

/** A filter that copies a header to the filter state in which Istio's waypoints put the peer's principal. */
export function peerPrincipal(header: string): Config {
  return {
    name: "envoy.filters.http.set_filter_state",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
      on_request_headers: [
        {
          object_key: "io.istio.peer_principal",
          factory_key: "envoy.string",
          format_string: { text_format_source: { inline_string: `%REQ(${header})%` }, omit_empty_values: true },
          skip_if_empty: true,
        },
      ],
    },
  };
}
