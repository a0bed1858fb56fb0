# How sidecars read the paths of requests that arrive, before routes and filters see them. It applies to all services of the
# mesh; Consul 1.20.1 or newer.
#
#   consul config write -cas -modify-index 0 mesh.hcl
#
# There is one mesh entry in a datacenter: add this part to yours.

Kind = "mesh"

HTTP {
  Incoming {
    RequestNormalization {
      # Resolves dot segments, also those written %2e, and turns \ into /. It is Consul's default, here for completeness.
      InsecureDisablePathNormalization = false

      # Makes one slash of several.
      MergeSlashes = true

      # A path with %2F or %5C is answered with a 400. MCP clients send none. A redirect, the other strict choice, would ask
      # each client to send its POST's body again.
      PathWithEscapedSlashesAction = "REJECT_REQUEST"
    }
  }
}
