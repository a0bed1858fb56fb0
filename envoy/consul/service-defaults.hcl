# The sidecar of an MCP server observes the server's MCP traffic: label mcp_role="server". The module is a local file of
# each Envoy.
#
#   consul config write -cas -modify-index 0 service-defaults.hcl

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
            Local = {
              Filename = "/etc/mcp/mcp.wasm"
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
