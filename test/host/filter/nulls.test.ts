/** Tests messages that some readers interpret as another kind: `"id": null` or `"result": null` together with a method. */
import { describe, expect, test } from "vitest";
import { type Plugin } from "../../../scripts/host/index.ts";
import { ask, refusedFor, startGuarded, tools } from "./access.ts";
import { countsBy, post, startFilter } from "./filter.ts";
import { initializeRequest } from "./http-sse.ts";
import { GET_HEADERS, initializeResult, OpenStream } from "./open-stream.ts";
import { has } from "./matrix.ts";

const params = '"params":{"name":"echo","arguments":{}}';
const NULL_IDS = [
  `{"jsonrpc":"2.0","id":null,"method":"tools/call",${params}}`,
  `{"jsonrpc":"2.0","method":"tools/call",${params},"id":null}`,
];
const NULL_RESULTS = ["result", "error"].flatMap((member) => [
  `{"jsonrpc":"2.0","id":1,"method":"tools/call",${params},"${member}":null}`,
  `{"jsonrpc":"2.0","id":1,"${member}":null,"method":"tools/call",${params}}`,
  `{"jsonrpc":"2.0","${member}":null,"method":"tools/call",${params}}`,
]);
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
const notifications = (plugin: Plugin) =>
  countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction");

describe("a policy rejects", () => {
  test.each([
    ...NULL_IDS.map((body) => [body, "bad_id"]),
    ...NULL_RESULTS.map((body) => [body, "no_message"]),
    ...NULL_IDS.map((body) => [`[${body}]`, "bad_id"]),
    ...NULL_RESULTS.map((body) => [`[${body}]`, "no_message"]),
  ])("%s, whether or not it allows the tool", (body, reason) => {
    for (const tool of ["echo", "add"]) {
      const { reply } = ask(startGuarded({ rules: [tools("ALLOW", "one", tool)] }), body);
      expect(reply).toEqual(refusedFor(reason));
    }
  });
});

describe.runIf(has("metrics"))("without a policy", () => {
  test.each(NULL_IDS)("%s counts as a request, whose response has the same id or an unreadable one", (body) => {
    const plugin = startFilter();
    post(plugin, body, '{"jsonrpc":"2.0","id":null,"result":{"content":[]}}');
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 1 });
    // A server that reads it as a notification accepts it.
    post(plugin, body, { status: 202 });
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 1, "tools/call unanswered": 1 });
    expect(notifications(plugin)).toEqual({});
  });

  test.each(NULL_RESULTS)("%s counts according to its method", (body) => {
    const plugin = startFilter();
    post(plugin, body, '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}');
    const hasId = body.includes('"id"');
    expect(outcomes(plugin)).toEqual(hasId ? { "tools/call ok": 1 } : {});
    expect(notifications(plugin)).toEqual(hasId ? {} : { "tools/call client_to_server": 1 });
  });

  test.each(['"result":null', '"error":null'])("the same holds for what a server sends: %s", (member) => {
    const plugin = startFilter();
    const headers = { "mcp-session-id": "s" };
    post(plugin, initializeRequest(), {
      headers: { ...headers, "content-type": "application/json" },
      body: initializeResult("2025-06-18"),
    });
    const stream = new OpenStream(plugin, { method: "GET", path: "/mcp", headers: { ...GET_HEADERS, ...headers } });
    stream.send(`{"jsonrpc":"2.0",${member},"method":"notifications/message"}`);
    stream.send(`{"jsonrpc":"2.0","method":"notifications/message",${member}}`);
    stream.close();
    expect(notifications(plugin)).toEqual({ "notifications/message server_to_client": 2 });
  });
});
