# In place of service-defaults.hcl: who may call which tool of an MCP server, decided by the server's own sidecar. The module
# is a file beside each Envoy; without it a sidecar that starts opens no listener.
#
#   consul config write access.hcl
#
# A service has one service-defaults entry: writing service-defaults.hcl afterwards removes the policy.

Kind = "service-defaults"
Name = "mcp-server"

# Must be "http", and so must the extension's: services of "http2" and "grpc" get no filter, and so no policy, and no error
# says so.
Protocol = "http"

EnvoyExtensions = [
  {
    Name = "builtin/wasm"

    # The filter fails closed: a trap, or a remote module that cannot be fetched, must not open the server.
    Required = true

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

        # Identities are spiffe://<trust domain>/ns/<namespace>/dc/<datacenter>/svc/<service>.
        Configuration = <<JSON
{
  "role": "server",
  "server": "{namespace}/{workload}",
  "match": { "paths": ["/mcp"] },
  "access": {
    "rules": [
      { "name": "handshake", "action": "ALLOW", "to": [{ "operation": { "methods": ["@handshake"] } }] },
      {
        "name": "agents-read",
        "action": "ALLOW",
        "from": [{ "source": { "principals": ["spiffe://*.consul/ns/default/dc/dc1/svc/agent"] } }],
        "to": [
          { "operation": { "methods": ["*/list", "notifications/*"] } },
          { "operation": { "tools": ["get_*", "list_*", "search_*"] } }
        ]
      }
    ]
  }
}
JSON
      }
    }
  }
]
