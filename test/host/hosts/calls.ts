import { modulePath } from "../../modules.ts";
import {
  type Exchange,
  exchange,
  type ExchangeOptions,
  type HostKind,
  type HttpStream,
  loadModule,
  type Plugin,
  Vm,
  type VmOptions,
} from "../../../scripts/host/index.ts";

/** The module with all calls, and the one with those that all hosts support. */
export const ALL_CALLS = "test/host/modules/all-calls.ts";
export const COMMON_CALLS = "test/host/modules/calls.ts";

/** Starts a module of the folder modules/ whose configuration is a list of calls: see modules/calls.ts. */
export function start(host: HostKind, calls: readonly string[], options: VmOptions & { module?: string } = {}): Plugin {
  const module = loadModule(modulePath(options.module ?? ALL_CALLS));
  return new Vm(module, { ...options, host }).plugin({ configuration: calls.join("\n") });
}

/** The new log lines of a module. */
export function takeLog({ vm }: Plugin): string[] {
  return vm.logs.splice(0).map(({ message }) => message);
}

/** What a module logged in an exchange, what its host logged, and how the exchange ended. */
export interface Run {
  readonly log: string[];
  readonly alerts: string[];
  /** The message of the error that ended the exchange early. */
  readonly failure: string | undefined;
  readonly stream: HttpStream | undefined;
}

/** Runs one exchange through a module that makes these calls. */
export function run(
  host: HostKind,
  calls: readonly string[],
  spec: Partial<Exchange> = {},
  options?: ExchangeOptions & { module?: string },
): Run {
  const plugin = start(host, calls, { module: options?.module });
  let failure: string | undefined;
  let stream: HttpStream | undefined;
  try {
    const whole: Exchange = { request: { body: "question" }, response: { body: "answer" }, ...spec };
    ({ stream } = exchange(plugin, whole, options));
  } catch (error) {
    failure = (error as Error).message;
  }
  return { log: takeLog(plugin), alerts: plugin.vm.alerts, failure, stream };
}
