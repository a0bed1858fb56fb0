/** What is changed in a file of envoy/. */

/** Values that replace those of the file; absent ones stay. */
export interface Change {
  /** Fields of the plugin configuration. */
  readonly plugin?: Readonly<Record<string, unknown>>;
  /** Whether traffic must not pass without the filter. */
  readonly failsClosed: boolean;
  readonly image?: string;
  /** A path at the proxy, or a URL. */
  readonly file?: string;
  readonly sha256?: string;
  readonly namespace?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly service?: string;
  readonly gateway?: string;
  readonly port?: number;
}
