# Sidecars normalize the paths of incoming requests in this way, before routes and filters see them. The entry applies
# to all services of the mesh. It needs Consul 1.20.1 or newer.
#
#   consul config write -cas -modify-index 0 mesh.hcl
#
# A datacenter has only one mesh entry. If you have one, add this part to it.

Kind = "mesh"

HTTP {
  Incoming {
    RequestNormalization {
      # This resolves dot segments, also those written %2e, and turns \ into /. It is Consul's default, and is here for
      # completeness.
      InsecureDisablePathNormalization = false

      # This merges several slashes into one.
      MergeSlashes = true

      # Envoy answers a path with %2F or %5C with a 400. MCP clients send no such paths. The other strict choice, a
      # redirect, would make each client send the body of its POST again.
      PathWithEscapedSlashesAction = "REJECT_REQUEST"
    }
  }
}
