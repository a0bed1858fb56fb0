import type { Panel, Row } from "../panel.ts";
import { events, ofServer, quantile, rate, sum } from "../promql.ts";

/** The middle and the slowest twentieth of what a histogram has of sessions. */
function ofSessions(panel: Pick<Panel, "title" | "description" | "unit">, family: string): Panel {
  const queries = [0.5, 0.95].map((q) => ({
    expr: quantile(q, ["mcp_session_kind"], ofServer(family)),
    legend: `p${Math.round(100 * q)} {{mcp_session_kind}}`,
  }));
  return { ...panel, kind: "lines", queries };
}

export const sessions: Row = {
  title: "Sessions",
  panels: [
    {
      title: "Sessions by state",
      description:
        "Sessions that are open now: a request waits for a limit, the server waits for the client, the server works on a call, or none of these.",
      kind: "areas",
      unit: "count",
      queries: [{ expr: sum(["mcp_session_state"], ofServer("mcp_sessions_active")), legend: "{{mcp_session_state}}" }],
    },
    {
      title: "Sessions by client",
      description:
        "Sessions that are open now, by the name that the client gives its software. Nobody verifies it, and adopted sessions have none.",
      kind: "areas",
      unit: "count",
      queries: [{ expr: sum(["mcp_client_name"], ofServer("mcp_sessions_active")), legend: "{{mcp_client_name}}" }],
    },
    {
      title: "Sessions by kind and revision",
      description: "Sessions that are open now. A window is the activity of a caller without a session id.",
      kind: "areas",
      unit: "count",
      queries: [
        {
          expr: sum(["mcp_session_kind", "mcp_protocol_version"], ofServer("mcp_sessions_active")),
          legend: "{{mcp_session_kind}} {{mcp_protocol_version}}",
        },
      ],
    },
    {
      title: "Sessions that began",
      description: "Sessions per second. Adopted ones began at another proxy, or before this one was restarted.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        {
          expr: sum(["mcp_session_kind"], rate(ofServer("mcp_sessions_started_total"))),
          legend: "started {{mcp_session_kind}}",
        },
        {
          expr: sum(["mcp_session_kind"], rate(ofServer("mcp_sessions_adopted_total"))),
          legend: "adopted {{mcp_session_kind}}",
        },
      ],
    },
    {
      title: "Why sessions ended",
      description:
        "Sessions per second: deleted by their client, refused by the server, idle, closed with their stream, or evicted because there were too many.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        { expr: sum(["mcp_session_end"], rate(ofServer("mcp_sessions_ended_total"))), legend: "{{mcp_session_end}}" },
      ],
    },
    ofSessions(
      {
        title: "Duration of sessions",
        description: "How long the sessions lasted that ended: half of them, and all but 5 %, at most so long.",
        unit: "milliseconds",
      },
      "mcp_session_duration_milliseconds",
    ),
    ofSessions(
      {
        title: "Operations per session",
        description: "How many operations the sessions had that ended.",
        unit: "count",
      },
      "mcp_session_operations",
    ),
    ofSessions(
      {
        title: "Tokens per session",
        description: "How many tokens (estimated) passed in the sessions that ended.",
        unit: "count",
      },
      "mcp_session_tokens",
    ),
    {
      title: "Open streams",
      description: "HTTP streams that are open now.",
      kind: "areas",
      unit: "count",
      queries: [{ expr: sum(["mcp_stream_kind"], ofServer("mcp_streams_active")), legend: "{{mcp_stream_kind}}" }],
    },
    {
      title: "How streams ended",
      description: "HTTP streams that ended in the selected time range.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: sum(["mcp_server", "mcp_stream_kind", "mcp_stream_end"], events(ofServer("mcp_streams_total"))),
          legend: "streams",
        },
      ],
    },
    {
      title: "Duration of streams",
      description: "The duration that 5 % of the streams that ended exceed.",
      kind: "lines",
      unit: "milliseconds",
      width: 12,
      queries: [
        {
          expr: quantile(0.95, ["mcp_stream_kind"], ofServer("mcp_stream_duration_milliseconds")),
          legend: "{{mcp_stream_kind}}",
        },
      ],
    },
  ],
};
