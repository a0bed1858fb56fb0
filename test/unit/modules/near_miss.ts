import { indicatesAccess, namesAccess } from "../../../assembly/config/access_traces";
import { edits, isNearMiss, nearestWord } from "../../../assembly/config/values/near_miss";

export { allocate } from "./common/allocate";

/** The number of edits between a text and a word, separated by a line feed; -1 if they are not a near miss. */
export function editsOf(at: usize, length: i32): i32 {
  const words = textsAt(at, length);
  return edits(words[0], words[1]);
}

/** Whether the first text is a near miss of the second one. They are separated by a line feed. */
export function isNear(at: usize, length: i32): bool {
  const words = textsAt(at, length);
  return isNearMiss(words[0], words[1]);
}

/** The number of the line (counted from 1) that is nearest to line 0; -1 if none is near. */
export function nearestOf(at: usize, length: i32): i32 {
  const words = textsAt(at, length);
  return words.indexOf(nearestWord(words[0], words.slice(1)), 1);
}

export function isAccessName(at: usize, length: i32): bool {
  return namesAccess(String.UTF8.decodeUnsafe(at, length));
}

export function isAboutAccess(at: usize, length: i32): bool {
  return indicatesAccess(at, length);
}

function textsAt(at: usize, length: i32): string[] {
  return String.UTF8.decodeUnsafe(at, length).split("\n");
}
