import { IdKind } from "../../jsonrpc/id";
import { ListElement } from "./list_element";

/** Decides what happens to the parts of an edited response. */
export abstract class EditJudge {
  /** Address of the JSON text that {@link rejects} and {@link cannotRead} leave: `errorLength` bytes. */
  error: usize = 0;
  errorLength: i32 = 0;

  /** Whether to withhold an element of a list. Called once for each element of the lists that are read or edited. */
  abstract withholds(element: ListElement): bool;

  /** Whether the client must not see a server request with this method, `length` bytes of UTF-8. */
  abstract deniesServerRequest(method: usize, length: i32): bool;

  /** Whether the gate has rewritten the request of this id, see {@link idHash}. If so, `error` is the error for its
   *  response. */
  abstract rejects(kind: IdKind, idHash: u64): bool;

  /** Called if a response that should contain a list, or has begun one, cannot be read, so that the rest is
   *  withheld. Leaves at `error` the JSON text of a whole response, for use if nothing of the original has passed. */
  abstract cannotRead(): void;
}
