/**
 * Rules for the imports of assembly/: `npm run lint` and `npm test` fail where a file breaks one of them.
 *
 * Folders of assembly/, the lowest layer first. A file imports from its own folder and from the folders of lower layers:
 * neither from higher ones, nor from other folders of its own layer, nor from folders that are missing here. A folder
 * includes its subfolders, except those that are listed themselves.
 */
const LAYERS = [
  ["memory"],
  ["host"],
  ["proxy-wasm"],
  ["json"],
  ["jsonrpc", "sse", "tokens", "http"],
  ["store/primitives"],
  ["store"],
  ["mcp/protocol"],
  ["config/values"],
  ["config/rules"],
  ["config/access", "config/limits"],
  ["config"],
  ["identity"],
  ["mcp/headers"],
  ["mcp/message"],
  ["mcp"],
  ["edit"],
  ["gate/stage"],
  ["rules/match"],
  ["rules/message"],
  ["rules"],
  ["access/policy"],
  ["access"],
  ["access/report"],
  ["access/stage"],
  ["limits/rules"],
  ["limits/report"],
  ["limits/queue"],
  ["limits/adaptive"],
  ["limits/ledger"],
  ["limits/hand_on"],
  ["limits/stage"],
  ["stats", "trace"],
  ["gate"],
  ["filter"],
];
/** The entries of modules, above all layers. */
const ENTRIES = "^assembly/[^/]+\\.ts$";
/** What may import proxy-wasm/module/ besides the entries; everything else reaches the host through host/. */
const KNOW_THE_HOST = ["proxy-wasm", "filter"];

const FOLDERS = LAYERS.flat();

/** A pattern of the files of a folder, without those of its subfolders that are listed themselves. */
function filesOf(folder) {
  const listed = FOLDERS.filter((other) => other.startsWith(`${folder}/`)).map((other) =>
    other.slice(folder.length + 1),
  );
  return `^assembly/${folder}/${listed.length > 0 ? `(?!(?:${listed.join("|")})/)` : ""}`;
}

const downward = LAYERS.flatMap((folders, layer) =>
  folders.map((folder) => ({
    name: `imports-point-down-from-${folder.replaceAll("/", "-")}`,
    comment: `${folder}/ imports from itself and from lower layers: see LAYERS in .dependency-cruiser.js.`,
    severity: "error",
    from: { path: filesOf(folder) },
    to: { path: "^assembly/", pathNot: [folder, ...LAYERS.slice(0, layer).flat()].map(filesOf) },
  })),
);

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...downward,
    {
      name: "host-is-not-bypassed",
      comment:
        "Only filter/ and the entries import proxy-wasm/module/. All other folders reach the host through host/.",
      severity: "error",
      from: { path: "^assembly/", pathNot: [ENTRIES, ...KNOW_THE_HOST.map(filesOf)] },
      to: { path: filesOf("proxy-wasm") },
    },
    {
      name: "entries-construct-the-host",
      comment:
        "Only the files of entries construct the objects of proxy-wasm/, so that no build imports what its host lacks.",
      severity: "error",
      from: { path: "^assembly/", pathNot: [ENTRIES, filesOf("proxy-wasm")] },
      to: { path: "^assembly/proxy-wasm/[^/]+\\.ts$" },
    },
    {
      name: "assembly-imports-assembly",
      comment: "A file of assembly/ imports only existing files of assembly/: no tests, scripts or packages.",
      severity: "error",
      from: { path: "^assembly/" },
      to: { pathNot: "^assembly/.+\\.ts$" },
    },
    {
      name: "no-cycles",
      comment: "Files do not import each other in a cycle.",
      severity: "error",
      from: { path: "^assembly/" },
      to: { circular: true },
    },
    {
      name: "no-dead-files",
      comment: "Each file of assembly/ is imported, directly or not, by an entry.",
      severity: "error",
      from: { path: ENTRIES },
      to: { path: "^assembly/", pathNot: ENTRIES, reachable: false },
    },
  ],
  // TypeScript's parser reads the files: it accepts decorators on functions, which acorn does not.
  options: { tsPreCompilationDeps: true, doNotFollow: { path: "node_modules" } },
};
