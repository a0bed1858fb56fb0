/** What is wrong in a file. */

/** An error or warning of the filter, or an error of the file around its configurations. */
export interface Problem {
  readonly severity: "error" | "warning";
  /** The place of the plugin configuration in the file, like `spec.pluginConfig`; empty for the whole file. */
  readonly configuration: string;
  /** The place in the plugin configuration, in the filter's words; empty if the file itself is wrong. */
  readonly path: string;
  readonly message: string;
  /** Where the problem is in the file: UTF-16 units from its beginning. */
  readonly offset: number;
}
