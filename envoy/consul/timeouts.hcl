# These timeouts let event streams last. They apply at the clients' sidecars, to routes to the MCP server.
# proxy-defaults.hcl sets the timeouts of the server's own sidecar.
#
#   consul config write -cas -modify-index 0 timeouts.hcl

Kind = "service-router"
Name = "mcp-server"

Routes = [
  {
    Match = {
      HTTP = {
        PathPrefix = "/"
      }
    }

    Destination = {
      # A negative value means no timeout. The default of 15 s applies to the whole response and ends every event
      # stream.
      RequestTimeout = "-1s"

      # This timeout is for an idle stream. The default is 5 m.
      IdleTimeout = "1h"
    }
  }
]
