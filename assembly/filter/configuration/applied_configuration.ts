import { AccessConfig } from "../../config/access/access_config";
import { ConfigReader } from "../../config/config_reader";
import { PluginConfig } from "../../config/plugin_config";
import { Bytes, hashBytes, mix } from "../../memory/bytes";

/** What a plugin instance applies: its own configuration, what stands in for a bad one, or nothing. */
export class AppliedConfiguration {
  /** A hash of what is applied; 0 where nothing is. */
  readonly effective: u64;

  /** @param key a hash of the configuration as it came.
   *  @param config null where nothing is applied.
   *  @param bytes those of `config`; where MCP is closed, those of the bad configuration. */
  constructor(
    readonly key: u64,
    readonly config: PluginConfig | null,
    readonly bytes: Bytes,
  ) {
    const hash = hashBytes(bytes.at, bytes.length);
    this.effective = !config ? 0 : isClosing(config) ? mix(hash) | 1 : hash | 1;
  }

  get hasPolicy(): bool {
    const config = this.config;
    return config != null && config.access != null;
  }

  get isClosed(): bool {
    const config = this.config;
    return config != null && isClosing(config);
  }

  /** Reads what another instance applies, from its bytes. Null where this module cannot. */
  static parse(at: usize, length: i32, isClosed: bool): PluginConfig | null {
    const reader = new ConfigReader();
    reader.read(at, length);
    if (isClosed) return closed(reader.config, reader.arePathsKnown);
    return reader.errors.length == 0 ? reader.config : null;
  }
}

/** A configuration that denies all of MCP, on the paths that the bad one names as far as it could be read; on any path
 *  where these are not known. */
export function closed(asRead: PluginConfig, arePathsKnown: bool): PluginConfig {
  const config = new PluginConfig();
  const access = new AccessConfig();
  access.isClosed = true;
  access.isAboutAnyPath = !arePathsKnown;
  config.instance = asRead.instance;
  config.role = asRead.role;
  config.matchPaths = asRead.matchPaths;
  config.access = access;
  return config;
}

function isClosing(config: PluginConfig): bool {
  const access = config.access;
  return access != null && access.isClosed;
}
