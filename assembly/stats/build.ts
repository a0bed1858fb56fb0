/** The version of the module and a hash of its sources: the build puts them here (scripts/build-info.mjs). */
export const VERSION: string = "unknown";
export const REVISION: string = "unknown";
