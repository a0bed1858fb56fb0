import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

const bytes = readFileSync("build/mcp.wasm");

test("the module has at most 400 KiB", () => {
  expect(bytes.byteLength).toBeLessThanOrEqual(400 * 1024);
});

/** A host without an imported function does not start the module, so an import is added only together with its use. */
test("the module imports only the functions of the ABI that it uses", () => {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  expect(imports.map(({ module, name }) => `${module}.${name}`).sort()).toEqual([
    "env.proxy_call_foreign_function",
    "env.proxy_continue_stream",
    "env.proxy_define_metric",
    "env.proxy_dequeue_shared_queue",
    "env.proxy_done",
    "env.proxy_enqueue_shared_queue",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_header_map_value",
    "env.proxy_get_property",
    "env.proxy_get_shared_data",
    "env.proxy_http_call",
    "env.proxy_increment_metric",
    "env.proxy_log",
    "env.proxy_record_metric",
    "env.proxy_register_shared_queue",
    "env.proxy_remove_header_map_value",
    "env.proxy_replace_header_map_value",
    "env.proxy_resolve_shared_queue",
    "env.proxy_send_local_response",
    "env.proxy_set_buffer_bytes",
    "env.proxy_set_effective_context",
    "env.proxy_set_property",
    "env.proxy_set_shared_data",
    "env.proxy_set_tick_period_milliseconds",
    "wasi_snapshot_preview1.random_get",
  ]);
});

/** A host calls every exported callback, so a callback is added only together with its use. */
test("the module exports only the callbacks that it uses", () => {
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(bytes));
  expect(exports.map(({ name }) => name).sort()).toEqual([
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_done",
    "proxy_on_http_call_response",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_queue_ready",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
  ]);
});
