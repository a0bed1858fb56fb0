# Event streams that last, at the clients' sidecars: routes to the MCP server. At the server's own sidecar proxy-defaults.hcl
# says it.
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
      # A negative value is "none". The default of 15 s is for the whole answer and ends every event stream.
      RequestTimeout = "-1s"

      # Of a stream on which nothing moves. The default is 5 m.
      IdleTimeout = "1h"
    }
  }
]
