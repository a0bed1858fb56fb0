import { ListKind } from "./list_kind";

/** The largest definition that is read, in bytes. */
export const ELEMENT_LIMIT: i32 = 65536;

/** An element of a list on its way to the client. */
export class ListElement {
  kind: ListKind = ListKind.Tools;
  /** What clients ask for it by, as UTF-8 without escapes: the name of a tool or prompt, the URI of a resource, the text of a
   *  template. The first `nameLength` bytes of it; `isCut` where there is more. */
  name: usize = 0;
  nameLength: i32 = 0;
  isCut: bool = false;
  /** It is one object, and its name cannot be read in two ways: `name` is valid only then. */
  isClear: bool = false;
  /** Its JSON text, `length` bytes; 0 where it is larger than {@link ELEMENT_LIMIT}. */
  at: usize = 0;
  length: i32 = 0;
}
