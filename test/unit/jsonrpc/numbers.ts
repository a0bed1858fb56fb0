/** The one way to write each number: two JSON numbers are equal just where this is the same text. */
export function canonicalNumber(json: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(json);
  if (parts === null) throw new Error(`not a number: ${json}`);
  const [, sign, integer, fraction = "", exponent = "0"] = parts;
  const digits = `${integer}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}
