/** A filter that Envoy discovers (ECDS), as in envoy/raw/. */
import { type Code, EXTENSION_TYPE, type HttpFilter, WASM_TYPE } from "./resources.ts";

/** A filter of a listener, and the resource of that name that it requests. */
export interface Discovered {
  filter: HttpFilter;
  resource: object;
}

/** The fields of a plugin besides its name and its module. */
export interface Plugin {
  root_id?: string;
  configuration?: object;
  vm_config?: object;
}

export function discoveredOf(name: string, plugin: Plugin, code: Code): Discovered {
  const vm_config = { runtime: "envoy.wasm.runtime.v8", code, ...plugin.vm_config };
  const config_discovery = { config_source: { ads: {}, resource_api_version: "V3" }, type_urls: [WASM_TYPE] };
  const typed_config = { "@type": WASM_TYPE, config: { name, ...plugin, vm_config } };
  return { filter: { name, config_discovery }, resource: { "@type": EXTENSION_TYPE, name, typed_config } };
}
