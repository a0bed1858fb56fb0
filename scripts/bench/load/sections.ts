/** Reads the sections of a WebAssembly module (WebAssembly Core Specification 2.0, section 5.5 "Modules"). */

/** Sizes in bytes. */
export interface ModuleSizes {
  /** Sizes of function bodies by name. The module must have a name section. */
  functions: ReadonlyMap<string, number>;
  /** Size of the data section. */
  data: number;
  /** Size of the module without its custom sections. */
  total: number;
}

const CUSTOM = 0;
const IMPORT = 2;
const CODE = 10;
const DATA = 11;
const FUNCTION_NAMES = 1;
/** Size of the magic number and the version. */
const HEADER_SIZE = 8;

/** Reads the sizes of a module's parts. Assumes that all imports are functions, as in our modules. */
export function sizesOf(module: Buffer): ModuleSizes {
  const reader = new Reader(module, HEADER_SIZE);
  const bodies: number[] = [];
  let names = new Map<number, string>();
  let imports = 0;
  let data = 0;
  let total = HEADER_SIZE;
  while (!reader.isAtEnd) {
    const start = reader.at;
    const id = reader.byte();
    const size = reader.varint();
    const section = reader.slice(size);
    if (id === CUSTOM) {
      if (section.text() === "name") names = functionNames(section);
      continue;
    }
    total += reader.at - start;
    if (id === DATA) data = size;
    if (id === IMPORT) imports = section.varint();
    if (id === CODE) for (let left = section.varint(); left > 0; left--) bodies.push(section.skip(section.varint()));
  }
  const functions = new Map<string, number>();
  for (const [index, size] of bodies.entries()) {
    const name = names.get(imports + index) ?? `function ${imports + index}`;
    functions.set(name, (functions.get(name) ?? 0) + size);
  }
  return { functions, data, total };
}

function functionNames(section: Reader): Map<number, string> {
  const names = new Map<number, string>();
  while (!section.isAtEnd) {
    const id = section.byte();
    const part = section.slice(section.varint());
    if (id !== FUNCTION_NAMES) continue;
    for (let left = part.varint(); left > 0; left--) names.set(part.varint(), part.text());
  }
  return names;
}

/** Reads bytes sequentially. */
class Reader {
  constructor(
    private readonly bytes: Buffer,
    public at = 0,
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.at++];
  }

  /** Reads an unsigned integer in LEB128. */
  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.varint();
    return this.slice(length).bytes.toString();
  }

  slice(length: number): Reader {
    this.at += length;
    return new Reader(this.bytes.subarray(this.at - length, this.at));
  }

  /** Skips bytes. Returns their number. */
  skip(length: number): number {
    this.at += length;
    return length;
  }
}
