/**
 * Converts ASCII capitals to small letters. The standard library's function would add Unicode's tables to the module.
 */
export function lowerCase(text: string): string {
  let lower = "";
  for (let i = 0; i < text.length; i++) {
    const codeUnit = text.charCodeAt(i);
    lower += String.fromCharCode(codeUnit >= 0x41 && codeUnit <= 0x5a ? codeUnit | 0x20 : codeUnit);
  }
  return lower;
}
