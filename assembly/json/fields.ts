import { equalsText, permanentBytes } from "../memory/bytes";
import { Tokenizer } from "./tokenizer";
import { Token } from "./token";

/** The element of a path that stands for each element of an array. */
export const EACH = "[]";
/** The element of a path that stands for each member of an object, whatever its name. */
export const ANY = "{}";

/** A place in documents: one that is reported, or one on the way there. Lives for ever. */
@unmanaged
class Node {
  name: usize;
  nameLength: i32;
  /** The field reported here; 0 where this is but the way to others. */
  field: i32;
  /** Its bytes are handed out. */
  isCaptured: bool;
  /** The end of an array or object here is reported, too. */
  reportsEnd: bool;
  /** A bit for each field here and below. */
  fields: u64;
  /** A bit for each length that names of members have: see {@link lengthBit}. */
  lengths: u64;
  parent: usize;
  firstMember: usize;
  nextMember: usize;
  /** The node of each element, where this is an array. */
  element: usize;
  /** The node of each member that has none of its own. */
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

  /** The node made for this name, or 0. */
  named(name: string): usize {
    for (let each = this.firstMember; each; each = changetype<Node>(each).nextMember) {
      const node = changetype<Node>(each);
      if (equalsText(node.name, node.nameLength, name)) return each;
    }
    return 0;
  }

  /** The node of the member of this name, or 0. */
  member(at: usize, length: i32): usize {
    // Most members of a message are of no interest.
    if (!(this.lengths & lengthBit(length))) return this.anyMember;
    for (let each = this.firstMember; each; each = changetype<Node>(each).nextMember) {
      const node = changetype<Node>(each);
      if (node.nameLength == length && memory.compare(node.name, at, length) == 0) return each;
    }
    return this.anyMember;
  }

  /** Whether there are fields inside. */
  get hasInside(): bool {
    return (this.firstMember | this.element | this.anyMember) != 0;
  }
}

/** The bit of a name's length; one for all of 63 bytes and more. */
@inline
function lengthBit(length: i32): u64 {
  return (<u64>1) << (<u64>min<u32>(length, 63));
}

/** The fields of a document that are reported, by their places. Built once, at start. */
export class FieldTree {
  readonly root: usize = changetype<usize>(Node.create(0, ""));

  /** Reports the value at `path` (member names from the root, {@link EACH} for the elements of an array, {@link ANY}
   *  for the members of an object) as `field`, 1 to 63. */
  add(field: i32, path: string[]): void {
    this.node(field, path);
  }

  /** The same, but reports the end of an array or object there as well: `value` is then that token. There must be fields inside. */
  addContainer(field: i32, path: string[]): void {
    this.node(field, path).reportsEnd = true;
  }

  /** The same, but hands out the bytes of the values there, which must be members of an object. */
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
  /** Nothing more: the bytes are used up, or hold a fault. */
  Nothing,
  /** A field. */
  Field,
  /** Bytes of a field that is captured. */
  Part,
  /** The last of them. */
  LastPart,
  /** The end of a document in a list. */
  DocumentEnd,
}

/**
 * Picks the fields of a {@link FieldTree} out of a document as it streams by, in any order of members, and passes over
 * the rest. Of a duplicate member the last one counts, as in `JSON.parse`: `present` forgets what the earlier
 * one held. An array is taken for a list of documents.
 */
@unmanaged
export class FieldReader {
  tokens: Tokenizer;
  /** The field found by {@link next}, and the token that begins its value; a string's or number's text is in `tokens`, and
   *  so are the bytes of a part. The inside of an object or array is passed over, unless there are fields in it. */
  field: i32;
  value: Token;
  /** A bit for each field that the document has contained so far. */
  present: u64;
  /** What is read is a list of documents. */
  isList: bool;
  private root: usize;
  /** The innermost open container that has fields inside. */
  private container: usize;
  /** The member whose name was read and whose value comes next. */
  private named: usize;

  static create(tree: FieldTree): FieldReader {
    const self = changetype<FieldReader>(heap.alloc(offsetof<FieldReader>()));
    self.tokens = Tokenizer.create();
    self.reset(tree);
    return self;
  }

  /** Ready for another document, to pick the fields of `tree`. */
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

  /** Reads on to the next field. If there is none, `tokens.fault` says whether the bytes contain a fault. */
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
          // The list of documents is no container: its end is the end of the bytes.
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

  /** The name of a member was read that has this node, or none: 0. */
  private beginMember(at: usize): void {
    this.named = at;
    if (!at) return this.tokens.skipValue();
    const node = changetype<Node>(at);
    if (!node.isCaptured) return;
    this.named = 0;
    this.field = node.field;
    this.tokens.captureValue();
  }

  /** A value begins: goes into it where there are fields inside, and says whether it is a field itself. */
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
