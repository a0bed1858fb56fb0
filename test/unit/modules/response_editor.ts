import { EditJudge } from "../../../assembly/edit/response/edit_judge";
import { ListElement } from "../../../assembly/edit/response/list_element";
import { output } from "../../../assembly/edit/response/output";
import { ResponseEditor } from "../../../assembly/edit/response/response_editor";
import { IdKind, idHash } from "../../../assembly/jsonrpc/id";
import { equalsText, permanentBytes, startsWithText } from "../../../assembly/memory/bytes";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "element")
declare function traceElement(kind: i32, name: usize, nameLength: i32, isClear: bool, at: usize, length: i32): void;

const ERROR = '{"code":403}';
const ANSWER = '{"unread":true}';
const errorText = permanentBytes(ERROR);
const answerText = permanentBytes(ANSWER);
const SEVEN = permanentBytes("7");

/** Withholds elements named `no…`, denies `sampling/createMessage`, and treats request 7 as rewritten. */
class TestJudge extends EditJudge {
  unread: i32 = 0;

  withholds(element: ListElement): bool {
    traceElement(element.kind, element.name, element.nameLength, element.isClear, element.at, element.length);
    return element.isClear && startsWithText(element.name, element.nameLength, "no");
  }

  deniesServerRequest(method: usize, length: i32): bool {
    return equalsText(method, length, "sampling/createMessage");
  }

  rejects(kind: IdKind, hash: u64): bool {
    this.error = errorText;
    this.errorLength = ERROR.length;
    return kind == IdKind.Number && hash == idHash(IdKind.Number, SEVEN, 1, 1);
  }

  cannotRead(): void {
    this.unread++;
    this.error = answerText;
    this.errorLength = ANSWER.length;
  }
}

const judge = new TestJudge();
let editor = changetype<ResponseEditor>(0);

export function open(isEventStream: bool, edited: u32, withheld: u32, observed: u32, asked: u32): void {
  judge.unread = 0;
  editor = ResponseEditor.acquire(isEventStream, edited, withheld, observed, asked);
}

export function close(): void {
  editor.release();
}

/** Whether the bytes were changed. The output is at {@link outputAt}. */
export function read(at: usize, length: usize): bool {
  editor.begin();
  editor.read(at, length, judge);
  return editor.hasChanged;
}

export function outputAt(): usize {
  return output.at;
}

export function outputLength(): usize {
  return output.length;
}

/** The number of unreadable responses. */
export function unread(): i32 {
  return judge.unread;
}
