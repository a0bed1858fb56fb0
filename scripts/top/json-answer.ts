/** Asks a server for JSON. */

const ANSWER_MS = 10_000;

/** The answer's status and JSON; without JSON, undefined. Rejects with one sentence if there is no answer. */
export async function jsonAnswer(url: URL): Promise<{ status: number; json: unknown }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await response.text();
    return { status: response.status, json: parsed(text) };
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    throw new Error(`No answer from ${url.origin} (${code ?? message}).`, { cause: error });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The URL of a page below `base`, with this query. */
export function pageOf(base: URL, path: string, query: Record<string, string>): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, "")}${path}`;
  url.search = new URLSearchParams(query).toString();
  return url;
}
