import { IdKind } from "../../jsonrpc/id";
import { ListElement } from "./list_element";

/** Decides what becomes of the parts of a response that is edited. */
export abstract class EditJudge {
  /** The JSON text of the error that answers a request in place of the server's, `errorLength` bytes, after
   *  {@link rejects}. */
  error: usize = 0;
  errorLength: i32 = 0;

  /** Whether an element of a list is withheld. It is asked once about each element of the kinds that are read or edited. */
  abstract withholds(element: ListElement): bool;

  /** Whether the client must not see a request of the server of this method, `length` bytes of UTF-8. */
  abstract deniesServerRequest(method: usize, length: i32): bool;

  /** Whether the gate has rewritten the request of this id, see {@link idHash}: then `error` answers it. */
  abstract rejects(kind: IdKind, idHash: u64): bool;

  /** A response that should bring a list, or has begun one, cannot be read: what is left of it is withheld. Leaves at `error` the
   *  JSON text of the whole answer that stands for it where nothing of it has passed. */
  abstract cannotRead(): void;
}
