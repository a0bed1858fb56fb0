/** A text as messages of the filter show it: quoted, and shortened to 64 characters. */
export function shown(text: string): string {
  const beginning = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  const escaped = beginning.replaceAll(/["\\]/g, "\\$&").replaceAll(/\p{Cc}/gu, (control) => {
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  const isLonger = Buffer.byteLength(text) > 256;
  return `"${escaped}"${isLonger ? ", which is longer" : ""}`;
}
