import { ListKind } from "./list_kind";

/** Maximum size in bytes of a definition that is read. */
export const ELEMENT_LIMIT: i32 = 65536;

/** An element of a list on its way to the client. */
export class ListElement {
  kind: ListKind = ListKind.Tools;
  /** The name by which clients refer to the element, as UTF-8 without escapes: the name of a tool or prompt, the URI
   *  of a resource, the text of a template. Has the first `nameLength` bytes. `isCut`: the name is longer. */
  name: usize = 0;
  nameLength: i32 = 0;
  isCut: bool = false;
  /** The element is one object with an unambiguous name. `name` is valid only then. */
  isClear: bool = false;
  /** The JSON text of the element: `length` bytes. Address 0 if it is larger than {@link ELEMENT_LIMIT} or not a
   *  container. */
  at: usize = 0;
  length: i32 = 0;
}
