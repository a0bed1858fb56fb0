import { equalsText, permanentBytes } from "../memory/bytes";
import { Tokenizer } from "./tokenizer";
import { Token } from "./token";

/** The path component that matches every element of an array. */
export const EACH = "[]";
/** The path component that matches every member of an object that has no component of its own. */
export const ANY = "{}";

/** A position in documents: a reported field, or a container of one. Never freed. */
@unmanaged
class Node {
  name: usize;
  nameLength: i32;
  /** The field at this position; 0 if only positions inside are fields. */
  field: i32;
  /** The bytes of the value are reported in parts. */
  isCaptured: bool;
  /** The end of the array or object at this position is reported too. */
  reportsEnd: bool;
  /** A bit for each field at this position and inside. */
  fields: u64;
  /** The bits of the lengths of all members' names: see {@link lengthBit}. */
  lengths: u64;
  parent: usize;
  firstMember: usize;
  nextMember: usize;
  /** The node for every element if the value is an array; 0 if none is reported. */
  element: usize;
  /** The node for members without a node of their own; 0 if there is none. */
  anyMember: usize;

  static create(parent: usize, name: string): Node {
    const at = heap.alloc(offsetof<Node>());
    memory.fill(at, 0, offsetof<Node>());
    const self = changetype<Node>(at);
    self.parent = parent;
    self.name = permanentBytes(name);
    self.nameLength = name.length;
    return self;
  }

  /** The node created for this name; 0 if there is none. */
  named(name: string): usize {
    for (let each = this.firstMember; each; each = changetype<Node>(each).nextMember) {
      const node = changetype<Node>(each);
      if (equalsText(node.name, node.nameLength, name)) return each;
    }
    return 0;
  }

  /** The node for the member with this name, {@link anyMember} included; 0 if there is none. */
  member(at: usize, length: i32): usize {
    // Most members of a message have no node.
    if (!(this.lengths & lengthBit(length))) return this.anyMember;
    for (let each = this.firstMember; each; each = changetype<Node>(each).nextMember) {
      const node = changetype<Node>(each);
      if (node.nameLength == length && memory.compare(node.name, at, length) == 0) return each;
    }
    return this.anyMember;
  }

  /** Whether members or elements have nodes. */
  get hasInside(): bool {
    return (this.firstMember | this.element | this.anyMember) != 0;
  }
}

/** The bit of a name's length. Lengths of 63 bytes and more share one bit. */
@inline
function lengthBit(length: i32): u64 {
  return (<u64>1) << (<u64>min<u32>(length, 63));
}

/** The paths of the fields that are reported. Built once, at start. */
export class FieldTree {
  readonly root: usize = changetype<usize>(Node.create(0, ""));

  /** Reports the value at `path` (member names from the root, {@link EACH} for the elements of an array, {@link ANY}
   *  for the members of an object) as `field`, 1 to 63. */
  add(field: i32, path: string[]): void {
    this.node(field, path);
  }

  /** Reports the array or object at `path` as `field`, at its start and at its end: `value` is the respective token. Fields
   *  must have been added inside. */
  addContainer(field: i32, path: string[]): void {
    this.node(field, path).reportsEnd = true;
  }

  /** Reports the bytes of the value at `path` in parts of `field`. The value must be a member of an object. */
  capture(field: i32, path: string[]): void {
    this.node(field, path).isCaptured = true;
  }

  private node(field: i32, path: string[]): Node {
    const bit = (<u64>1) << field;
    let node = changetype<Node>(this.root);
    for (let i = 0; i < path.length; i++) {
      node.fields |= bit;
      node = changetype<Node>(this.child(node, path[i]));
    }
    node.field = field;
    node.fields |= bit;
    return node;
  }

  private child(parent: Node, name: string): usize {
    const isElement = name == EACH;
    const isAny = name == ANY;
    const found = isElement ? parent.element : isAny ? parent.anyMember : parent.named(name);
    if (found) return found;
    const node = Node.create(changetype<usize>(parent), name);
    if (isElement) {
      parent.element = changetype<usize>(node);
    } else if (isAny) {
      parent.anyMember = changetype<usize>(node);
    } else {
      node.nextMember = parent.firstMember;
      parent.firstMember = changetype<usize>(node);
      parent.lengths |= lengthBit(name.length);
    }
    return changetype<usize>(node);
  }
}

/** What {@link FieldReader.next} found. */
export enum Found {
  /** The bytes are used up, or contain a fault. */
  Nothing,
  /** A field. */
  Field,
  /** Bytes of a captured field, with more to come. */
  Part,
  /** The last bytes of a captured field. */
  LastPart,
  /** The end of a document in a list. */
  DocumentEnd,
}

/**
 * Finds the fields of a {@link FieldTree} in a streamed document, whatever the order of its members, and skips the rest. The
 * last of duplicate members counts, as in `JSON.parse`: `present` drops the fields of the earlier one. An array at the root
 * is a list of documents.
 */
@unmanaged
export class FieldReader {
  tokens: Tokenizer;
  /** The field that {@link next} found, and the first token of its value. `tokens` has the text of a string or number, and
   *  the bytes of a part. The contents of an object or array are skipped unless they include fields. */
  field: i32;
  value: Token;
  /** A bit for each field that the document has contained so far. */
  present: u64;
  /** The root is an array: a list of documents. */
  isList: bool;
  private root: usize;
  /** The node of the innermost open container with fields inside; 0 for none. */
  private container: usize;
  /** The node of the member whose value comes next; 0 for none. */
  private named: usize;

  static create(tree: FieldTree): FieldReader {
    const self = changetype<FieldReader>(heap.alloc(offsetof<FieldReader>()));
    self.tokens = Tokenizer.create();
    self.reset(tree);
    return self;
  }

  /** Prepares for another document, to find the fields of `tree`. */
  reset(tree: FieldTree): void {
    this.root = tree.root;
    this.tokens.reset();
    this.present = 0;
    this.isList = false;
    this.container = 0;
    this.named = 0;
  }

  /** Whether the document has contained `field` so far. */
  has(field: i32): bool {
    return (this.present & ((<u64>1) << field)) != 0;
  }

  /** Reads up to the next field. If it returns Nothing, `tokens.fault` says whether the bytes contain a fault. */
  next(): Found {
    const tokens = this.tokens;
    while (true) {
      const token = tokens.next();
      switch (token) {
        case Token.More:
        case Token.Error:
          return Found.Nothing;
        case Token.Part:
          return Found.Part;
        case Token.LastPart:
          return Found.LastPart;
        case Token.Key:
          this.beginMember(changetype<Node>(this.container).member(tokens.textAt, tokens.textTotal));
          break;
        case Token.ObjectEnd:
        case Token.ArrayEnd: {
          // The array of documents has no node. Only white space may follow its end.
          if (!this.container) break;
          const ended = changetype<Node>(this.container);
          this.container = ended.parent;
          if (!this.container && this.isList) return Found.DocumentEnd;
          if (!ended.reportsEnd) break;
          this.field = ended.field;
          this.value = token;
          return Found.Field;
        }
        default:
          if (this.begin(token)) return Found.Field;
      }
    }
  }

  /** Called when the name of a member has been read. `at` is the member's node; 0 if it has none. */
  private beginMember(at: usize): void {
    this.named = at;
    if (!at) return this.tokens.skipValue();
    const node = changetype<Node>(at);
    if (!node.isCaptured) return;
    this.named = 0;
    this.field = node.field;
    this.tokens.captureValue();
  }

  /** Called at the first token of a value. Enters a container with fields inside. Returns whether the value is a field. */
  private begin(token: Token): bool {
    const opens = token == Token.ObjectStart || token == Token.ArrayStart;
    const at = this.named ? this.named : this.container ? changetype<Node>(this.container).element : this.root;
    this.named = 0;
    if (!at) {
      if (opens) this.tokens.skipContainer();
      return false;
    }
    if (at == this.root && token == Token.ArrayStart && !this.isList) {
      this.isList = true;
      this.tokens.enterList();
      return false;
    }
    const node = changetype<Node>(at);
    this.present &= ~node.fields;
    if (opens) {
      if (node.hasInside) this.container = at;
      else this.tokens.skipContainer();
    }
    if (!node.field) return false;
    this.present |= (<u64>1) << node.field;
    this.field = node.field;
    this.value = token;
    return true;
  }
}
