/** The version of the module and a hash of its sources. The build replaces these values (scripts/build-info.mjs). */
export const VERSION: string = "unknown";
export const REVISION: string = "unknown";
