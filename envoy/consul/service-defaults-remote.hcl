# An MCP server, seen by its own sidecar: label mcp_role="server". Each Envoy fetches the module from the service mcp-modules
# of the mesh, an HTTP server that has to be an upstream of mcp-server. Put in the module's own digest, and write:
#
#   sed "s/0\{64\}/$(cut -d' ' -f1 build/mcp.wasm.sha256)/" service-defaults-remote.hcl | consul config write -cas -modify-index 0 -

Kind = "service-defaults"
Name = "mcp-server"

# Must be "http" and so must the extension's: services of "http2" and "grpc" get no filter, and no error says so.
Protocol = "http"

EnvoyExtensions = [
  {
    Name = "builtin/wasm"

    # The filter fails open: a trap lets traffic pass it. With true, traffic fails.
    Required = false

    Arguments = {
      Protocol     = "http"
      ListenerType = "inbound"
      ProxyType    = "connect-proxy"

      PluginConfig = {
        Name   = "mcp"
        RootID = "mcp"

        VmConfig = {
          Runtime = "v8"

          Code = {
            Remote = {
              # A must. With one that does not fit traffic passes unseen, or fails with 503 where Required is true.
              SHA256 = "0000000000000000000000000000000000000000000000000000000000000000"

              HttpURI = {
                Service = {
                  Name = "mcp-modules"
                }

                URI     = "http://modules.example.com/mcp.wasm"
                Timeout = "30s"
              }

              RetryPolicy = {
                NumRetries = 5
              }
            }
          }
        }

        Configuration = <<JSON
{ "role": "server", "server": "{namespace}/{workload}" }
JSON
      }
    }
  }
]
