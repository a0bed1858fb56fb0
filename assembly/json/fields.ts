import { permanentBytes } from "../memory/bytes";
import { Tokenizer } from "./tokenizer";
import { Token } from "./token";

/** The element of a path that stands for each element of an array. */
export const EACH = "[]";

/** A place in documents: one that is reported, or one on the way there. Lives for ever. */
@unmanaged
class Node {
  name: usize;
  nameLength: i32;
  /** The field reported here; 0 where this is but the way to others. */
  field: i32;
  /** A bit for each field here and below. */
  fields: u64;
  parent: usize;
  firstMember: usize;
  nextMember: usize;
  /** The node of each element, where this is an array. */
  element: usize;

  static create(parent: usize, name: string): Node {
    const at = heap.alloc(offsetof<Node>());
    memory.fill(at, 0, offsetof<Node>());
    const self = changetype<Node>(at);
    self.parent = parent;
    self.name = permanentBytes(name);
    self.nameLength = name.length;
    return self;
  }

  /** The member of this name, or 0. */
  member(at: usize, length: i32): usize {
    for (let each = this.firstMember; each; each = changetype<Node>(each).nextMember) {
      const node = changetype<Node>(each);
      if (node.nameLength == length && memory.compare(node.name, at, length) == 0) return each;
    }
    return 0;
  }
}

/** The fields of a document that are reported, by their places. Built once, at start. */
export class FieldTree {
  readonly root: usize = changetype<usize>(Node.create(0, ""));

  /** Reports what stands at `path` (member names from the root, {@link EACH} for the elements of an array) as `field`,
   *  1 to 63. */
  add(field: i32, path: string[]): void {
    const bit = (<u64>1) << field;
    let node = changetype<Node>(this.root);
    for (let i = 0; i < path.length; i++) {
      node.fields |= bit;
      node = changetype<Node>(this.child(node, path[i]));
    }
    node.field = field;
    node.fields |= bit;
  }

  private child(parent: Node, name: string): usize {
    const isElement = name == EACH;
    const found = isElement ? parent.element : parent.member(permanentBytes(name), name.length);
    if (found) return found;
    const node = Node.create(changetype<usize>(parent), name);
    if (isElement) {
      parent.element = changetype<usize>(node);
    } else {
      node.nextMember = parent.firstMember;
      parent.firstMember = changetype<usize>(node);
    }
    return changetype<usize>(node);
  }
}

/**
 * Picks the fields of a {@link FieldTree} out of a document as it streams by, in any order of members, and passes over
 * the rest. A member that stands twice counts as it stands last, as in `JSON.parse`: `present` forgets what the earlier
 * one held.
 */
@unmanaged
export class FieldReader {
  tokens: Tokenizer;
  /** The field found by {@link next}, and the token that begins its value; a string's or number's text is in `tokens`.
   *  The inside of an object or array is passed over, unless there are fields in it. */
  field: i32;
  value: Token;
  /** A bit for each field that stands in the document so far. */
  present: u64;
  private root: usize;
  /** The innermost open container that has fields inside. */
  private container: usize;
  /** The member whose name was read and whose value comes next. */
  private named: usize;

  static create(tree: FieldTree): FieldReader {
    const self = changetype<FieldReader>(heap.alloc(offsetof<FieldReader>()));
    self.tokens = Tokenizer.create();
    self.root = tree.root;
    self.reset();
    return self;
  }

  /** Ready for another document. */
  reset(): void {
    this.tokens.reset();
    this.present = 0;
    this.container = 0;
    this.named = 0;
  }

  /** Whether `field` stands in the document so far. */
  has(field: i32): bool {
    return (this.present & ((<u64>1) << field)) != 0;
  }

  /** Reads on to the next field. False when the bytes are used up or hold a fault (`tokens.fault`). */
  next(): bool {
    const tokens = this.tokens;
    while (true) {
      const token = tokens.next();
      switch (token) {
        case Token.More:
        case Token.Error:
          return false;
        case Token.Key:
          this.named = changetype<Node>(this.container).member(tokens.textAt, tokens.textTotal);
          if (!this.named) tokens.skipValue();
          break;
        case Token.ObjectEnd:
        case Token.ArrayEnd:
          this.container = changetype<Node>(this.container).parent;
          break;
        default:
          if (this.begin(token)) return true;
      }
    }
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
    const node = changetype<Node>(at);
    this.present &= ~node.fields;
    if (opens) {
      if (node.firstMember || node.element) this.container = at;
      else this.tokens.skipContainer();
    }
    if (!node.field) return false;
    this.present |= (<u64>1) << node.field;
    this.field = node.field;
    this.value = token;
    return true;
  }
}
