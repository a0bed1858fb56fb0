# The sidecar of an MCP server observes the server's MCP traffic: label mcp_role="server". Each Envoy fetches the module
# from the mesh's service mcp-modules, an HTTP server that has to be an upstream of mcp-server. This command fills in
# the module's digest and writes the entry:
#
#   sed "s/0\{64\}/$(cut -d' ' -f1 build/mcp.wasm.sha256)/" service-defaults-remote.hcl | consul config write -cas -modify-index 0 -

Kind = "service-defaults"
Name = "mcp-server"

# This protocol and the extension's must be "http". With "http2" or "grpc", the service gets no filter, and Consul
# reports no error.
Protocol = "http"

EnvoyExtensions = [
  {
    Name = "builtin/wasm"

    # The filter fails open: after a trap, traffic passes without it. With true, traffic fails.
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
              # The digest is required. If it does not match the module, traffic passes unseen, or fails with a 503 if
              # Required is true.
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
