import { IdentityConfig, PRINCIPAL_SOURCES, PrincipalSource } from "./identity_config";
import { isClaimPath } from "./claim_path";
import { JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";

/** The fields of the section. */
export const IDENTITY_FIELDS: string[] = ["principalSources", "jwtPayloadKey"];

/** Reads a field of `identity`. An unknown one is an error, because policies and limits depend on the caller. */
export function readIdentity(name: string, value: JsonValue, config: IdentityConfig, problems: Problems): void {
  if (IDENTITY_FIELDS.includes(name)) readIdentityField("identity." + name, name, value, config, problems);
  else problems.refused("identity", name, IDENTITY_FIELDS);
}

/**
 * Reads one of {@link IDENTITY_FIELDS}, which may also be in `access`.
 * @param path the path of the value
 */
export function readIdentityField(
  path: string,
  name: string,
  value: JsonValue,
  config: IdentityConfig,
  problems: Problems,
): void {
  if (name == "principalSources") {
    readSources(path, value, config, problems);
  } else {
    config.jwtPayloadKey = problems.text(path, value, config.jwtPayloadKey);
    if (!isClaimPath([config.jwtPayloadKey])) problems.expected(path, "visible ASCII characters", value);
  }
}

function readSources(path: string, value: JsonValue, config: IdentityConfig, problems: Problems): void {
  if (!problems.isArray(path, "an array of strings", value)) return;
  const sources: PrincipalSource[] = [];
  for (let i = 0; i < value.items.length; i++) {
    sources.push(<PrincipalSource>problems.word(itemPath(path, i), value.items[i], PRINCIPAL_SOURCES, 0));
  }
  config.principalSources = sources;
}
