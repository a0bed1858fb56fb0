# This entry replaces service-defaults.hcl. The MCP server's own sidecar decides who may call which tool. The module is
# a local file of each Envoy. A sidecar that starts without the module opens no listener.
#
#   consul config write access.hcl
#
# A service has only one service-defaults entry, so writing service-defaults.hcl afterwards removes the policy.

Kind = "service-defaults"
Name = "mcp-server"

# This protocol and the extension's must be "http". With "http2" or "grpc", the service gets no filter and no policy,
# and Consul reports no error.
Protocol = "http"

EnvoyExtensions = [
  {
    Name = "builtin/wasm"

    # The filter fails closed: a trap, or a remote module that Envoy cannot fetch, must not open the server.
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

        # A caller's identity is spiffe://<trust domain>/ns/<namespace>/dc/<datacenter>/svc/<service>.
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
