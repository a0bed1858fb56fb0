/**
 * Converts ASCII capitals to small letters. The standard library's function would add Unicode's tables to the module.
 */
export function lowerCase(text: string): string {
  let lower = "";
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    lower += String.fromCharCode(unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit);
  }
  return lower;
}
