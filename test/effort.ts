/** Set by `npm run test:full`. */
export const FULL = process.env.MCP_TEST_FULL === "1";

/** How much a test does: what the ordinary run has time for, or the larger count of `npm run test:full`. */
export function effort<Amount>(ordinary: Amount, full: Amount): Amount {
  return FULL ? full : ordinary;
}
