/** The build for NGINX, on the imitation of NGINX. */
import {
  Clock,
  exchange,
  type Exchange,
  loadModule,
  MetricStore,
  nginx,
  type NginxSettings,
  type Plugin,
  SharedDataStore,
  Vm,
} from "../../../scripts/host/index.ts";

export const NGINX_MODULE = "build/mcp-nginx.wasm";

/** The workers of one NGINX. The server has the name of Envoy's upstream cluster in the other tests. */
export function startNginx(
  count: number,
  configuration: object | string = {},
  settings: Partial<NginxSettings> = {},
): Plugin[] {
  const shared = { metrics: new MetricStore(), clock: new Clock(), sharedData: new SharedDataStore() };
  const host = nginx(settings);
  const whole = typeof configuration === "string" ? configuration : { server: "tools", ...configuration };
  return Array.from({ length: count }, () =>
    new Vm(loadModule(NGINX_MODULE), { ...shared, host }).plugin({ configuration: whole }),
  );
}

/** Passes exchanges through the workers in turn, with a tick of each in between. */
export function play(workers: readonly Plugin[], exchanges: readonly Exchange[]): void {
  exchanges.forEach((captured, index) => {
    exchange(workers[index % workers.length], captured);
    workers[0].vm.clock.advance(1000);
    for (const worker of workers) worker.tick();
  });
}

/** What NGINX itself logged because of the module, and failures. */
export function faultsOf(workers: readonly Plugin[]): string[] {
  return workers.flatMap(({ vm }) => [...vm.alerts, ...(vm.failure === undefined ? [] : [vm.failure.message])]);
}
