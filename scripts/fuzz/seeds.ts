import { captureNames, readCapture, type CapturedExchange } from "../../test/fixtures/captures.ts";

/** All exchanges captured from real traffic. */
export const CAPTURES: readonly CapturedExchange[] = captureNames().flatMap(readCapture);

/** The bodies of those whose content-type contains `type`. */
export function capturedBodies(type: string): Buffer[] {
  return CAPTURES.flatMap(({ request, response }) => [
    ...(isOf(type, request.headers) ? [request.body] : []),
    ...(response !== null && isOf(type, response.headers) ? [Buffer.concat(response.body)] : []),
  ]).filter(({ length }) => length > 0);
}

function isOf(type: string, headers: readonly (readonly [string, string])[]): boolean {
  return headers.some(([name, value]) => name === "content-type" && value.includes(type));
}
