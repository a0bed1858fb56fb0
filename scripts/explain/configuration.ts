/** A valid plugin configuration, and the configurations that `explain` derives from it. */
import { configured, type ConfigurationReport, reportsOf } from "../filter/configured.ts";

/** A rule of `access` or `limits`. */
export type Rule = Readonly<Record<string, unknown> & { name: string }>;

/** The fields that `explain` reads. The filter has found them valid. */
export interface Configuration extends Record<string, unknown> {
  readonly match?: { readonly paths?: readonly string[] };
  readonly server?: string;
  readonly identity?: Identity;
  readonly hold?: unknown;
  readonly access?: Identity & { readonly mode?: string; readonly rules?: readonly Rule[]; readonly audit?: object };
  readonly limits?: { readonly mode?: string; readonly rules?: readonly Rule[] };
}

/** Where the filter finds out who calls. */
export interface Identity {
  readonly principalSources?: readonly string[];
  readonly jwtPayloadKey?: string;
}

/** What the filter says about the bytes of a configuration. `configuration` is missing if there is an error. */
export interface ReadConfiguration {
  readonly reports: readonly ConfigurationReport[];
  readonly configuration?: Configuration;
}

/** Reads the bytes of a configuration. */
export function readConfiguration(bytes: Uint8Array): ReadConfiguration {
  const reports = reportsOf(configured(bytes));
  if (reports.some(({ severity }) => severity === "error")) return { reports };
  const text = Buffer.from(bytes).toString().trim();
  return { reports, configuration: text === "" ? {} : (JSON.parse(text) as Configuration) };
}

/** Where this configuration finds out who calls; `access` may contain these fields too. */
export function identityOf({ identity, access }: Configuration): Required<Identity> {
  return {
    principalSources: identity?.principalSources ?? access?.principalSources ?? ["peer_certificate", "filter_state"],
    jwtPayloadKey: identity?.jwtPayloadKey ?? access?.jwtPayloadKey ?? "payload",
  };
}

/** The same decisions, each with everything that the filter can report about it. */
export function reporting({ trace: _trace, ...configuration }: Configuration): Configuration {
  const { access } = configuration;
  return {
    ...configuration,
    log: "trace",
    logFields: true,
    ...(access !== undefined && { access: { ...access, audit: { ...access.audit, perSecond: 1000 } } }),
  };
}
