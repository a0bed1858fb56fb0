import { POLICY_CONFIGURATION } from "../fuzz/filter/policy.ts";

/** A configuration of the filter under which modules are compared. */
export interface Configuration {
  readonly name: string;
  readonly value: object;
  /** Envoy's `allow_on_headers_stop_iteration`. */
  readonly allowHeadersStop?: boolean;
}

/** Limits that the inputs of a batch exceed. */
const BOUNDED = {
  labels: { maxTools: 8, maxServers: 3, caller: true },
  sessions: { idleTimeout: "30s", callerKey: ["x-caller", "baggage.userId"] },
};
const { match, identity, hold } = POLICY_CONFIGURATION;
/** The fields of `identity` and `hold` are also in `access`, where older modules read them. */
const access = {
  ...{ ...POLICY_CONFIGURATION.access, ...identity },
  ...{ holdHeaders: hold.headers, maxBodyBytes: hold.maxBodyBytes },
};

/** All configurations of a comparison. The traffic of captures and fuzz inputs is processed under each of them. */
export const CONFIGURATIONS: readonly Configuration[] = [
  { name: "default", value: {} },
  { name: "bounded", value: BOUNDED },
  { name: "enforced", value: { ...BOUNDED, match, access }, allowHeadersStop: true },
  {
    name: "shadow",
    value: { labels: { caller: true }, log: "trace", match, access: { ...access, holdHeaders: false, mode: "shadow" } },
  },
  { name: "closed", value: { match, access: { rules: [], denial: { form: "result" } }, tokens: { estimate: false } } },
];
