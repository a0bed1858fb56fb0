import { AccessConfig } from "../../config/access/access_config";
import { ConfigReader } from "../../config/config_reader";
import { boundHold } from "../../config/plain_host";
import { PluginConfig } from "../../config/plugin_config";
import { Bytes, hashBytes, mix } from "../../memory/bytes";

/** The configuration that a plugin instance applies: its own, the substitute for an invalid one, or none. */
export class AppliedConfiguration {
  /** Hash of the applied configuration; 0 if none is applied. */
  readonly effective: u64;

  /**
   * @param key hash of the configuration bytes as received
   * @param config the applied configuration; null if none is applied
   * @param bytes the bytes of `config`; if MCP is closed, the bytes of the invalid configuration
   */
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

  /** Parses the configuration that another instance applies. Returns null if this module cannot read it. */
  static parse(at: usize, length: i32, isClosed: bool): PluginConfig | null {
    const reader = new ConfigReader();
    reader.read(at, length);
    if (isClosed) return closed(reader.config, reader.arePathsKnown);
    return reader.errors.length == 0 ? reader.config : null;
  }
}

/**
 * A configuration that denies all MCP requests on the paths that the invalid configuration names, or on any path if its
 * paths could not be read.
 */
export function closed(asRead: PluginConfig, arePathsKnown: bool): PluginConfig {
  const config = new PluginConfig();
  const access = new AccessConfig();
  access.isClosed = true;
  access.isAboutAnyPath = !arePathsKnown;
  config.instance = asRead.instance;
  config.role = asRead.role;
  config.matchPaths = asRead.matchPaths;
  config.access = access;
  boundHold(config.hold);
  return config;
}

function isClosing(config: PluginConfig): bool {
  const access = config.access;
  return access != null && access.isClosed;
}
