# All sidecars share these settings: the labels and buckets of the metrics, the address that Prometheus scrapes, and
# timeouts that event streams survive. An Envoy reads all settings except the timeouts only when it starts.
#
#   consul config write -cas -modify-index 0 proxy-defaults.hcl
#
# A datacenter has only one proxy-defaults entry. If you have one, add the missing settings to it.

Kind = "proxy-defaults"
Name = "global"

Config {
  envoy_prometheus_bind_addr = "0.0.0.0:20200"

  # These timeouts apply at the server's own sidecar. timeouts.hcl sets those of the clients' sidecars. The first is for
  # the whole response: 0 means none; the default of 15 s ends every event stream. The second is for an idle stream: an
  # hour instead of 5 m.
  local_request_timeout_ms = 0
  local_idle_timeout_ms    = 3600000

  # This setting replaces Consul's own stats_config. Envoy's metrics then lack the labels consul_* and local_cluster,
  # unless you add them here. `npm run generate` writes the list of tags.
  envoy_stats_config_json = <<JSON
{
  "use_all_default_tags": true,
  "stats_tags": [
    { "tag_name": "mcp_role", "regex": "(mcp_role=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_server", "regex": "(mcp_server=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_method_name", "regex": "(mcp_method_name=\\.=(.*?);\\.;)" },
    { "tag_name": "gen_ai_tool_name", "regex": "(gen_ai_tool_name=\\.=(.*?);\\.;)" },
    { "tag_name": "gen_ai_prompt_name", "regex": "(gen_ai_prompt_name=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_outcome", "regex": "(mcp_outcome=\\.=(.*?);\\.;)" },
    { "tag_name": "rpc_response_status_code", "regex": "(rpc_response_status_code=\\.=(.*?);\\.;)" },
    { "tag_name": "error_type", "regex": "(error_type=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_direction", "regex": "(mcp_direction=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_stream_kind", "regex": "(mcp_stream_kind=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_stream_end", "regex": "(mcp_stream_end=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_session_kind", "regex": "(mcp_session_kind=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_session_end", "regex": "(mcp_session_end=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_session_state", "regex": "(mcp_session_state=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_protocol_version", "regex": "(mcp_protocol_version=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_token_kind", "regex": "(mcp_token_kind=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_token_source", "regex": "(mcp_token_source=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_header", "regex": "(mcp_header=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_change", "regex": "(mcp_change=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_task_state", "regex": "(mcp_task_state=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_reason", "regex": "(mcp_reason=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_label", "regex": "(mcp_label=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_withheld_reason", "regex": "(mcp_withheld_reason=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_limit_decision", "regex": "(mcp_limit_decision=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_result", "regex": "(mcp_result=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_access_action", "regex": "(mcp_access_action=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_access_mode", "regex": "(mcp_access_mode=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_caller", "regex": "(mcp_caller=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_client_name", "regex": "(mcp_client_name=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_access_rule", "regex": "(mcp_access_rule=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_limit_rule", "regex": "(mcp_limit_rule=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_build_version", "regex": "(mcp_build_version=\\.=(.*?);\\.;)" },
    { "tag_name": "mcp_build_revision", "regex": "(mcp_build_revision=\\.=(.*?);\\.;)" }
  ],
  "histogram_bucket_settings": [
    {
      "match": { "safe_regex": { "regex": "wasmcustom\\..*mcp_session_duration_milliseconds" } },
      "buckets": [1000, 10000, 60000, 300000, 900000, 1800000, 3600000, 14400000, 43200000, 86400000]
    },
    {
      "match": { "safe_regex": { "regex": "wasmcustom\\..*mcp_task_duration_milliseconds" } },
      "buckets": [100, 500, 1000, 5000, 10000, 30000, 60000, 300000, 900000, 1800000, 3600000, 14400000, 43200000, 86400000]
    },
    {
      "match": { "safe_regex": { "regex": "wasmcustom\\..*mcp_[a-z_]+_milliseconds" } },
      "buckets": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 120000, 300000]
    },
    {
      "match": { "safe_regex": { "regex": "wasmcustom\\..*mcp_session_operations" } },
      "buckets": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000]
    },
    {
      "match": { "safe_regex": { "regex": "wasmcustom\\..*mcp_session_tokens" } },
      "buckets": [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
    }
  ]
}
JSON
}
