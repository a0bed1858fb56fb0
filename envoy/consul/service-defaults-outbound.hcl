# An MCP client (agent), seen by its own sidecar: label mcp_role="client". The module is a file beside each Envoy.
#
#   consul config write -cas -modify-index 0 service-defaults-outbound.hcl

Kind = "service-defaults"
Name = "agent"

# Must be "http" and so must the extension's: services of "http2" and "grpc" get no filter, and no error says so.
Protocol = "http"

EnvoyExtensions = [
  {
    Name = "builtin/wasm"

    # The filter fails open: a trap lets traffic pass it. With true, traffic fails.
    Required = false

    Arguments = {
      Protocol     = "http"
      ListenerType = "outbound"
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
{ "role": "client" }
JSON
      }
    }
  }
]
