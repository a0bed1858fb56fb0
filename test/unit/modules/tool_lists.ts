import { LISTED_TOOL_SIZE, ToolLists } from "../../../assembly/store/tool_lists";
import { openStore } from "./common/store";

export { allocate } from "./common/allocate";

let lists: ToolLists = new ToolLists(openStore(1, 0));

export function create(space: i32): void {
  lists = new ToolLists(openStore(1, space));
}

/** Whether the list is known. Its bytes are then at `foundAt`, `foundLength`. */
export function load(key: u64): bool {
  return lists.load(key);
}

/** Stores the tools in these bytes. True if another list was known. */
export function save(key: u64, at: usize, length: i32): bool {
  return lists.save(key, at, length / LISTED_TOOL_SIZE);
}

export function lacks(key: u64, nameHash: u64): bool {
  return lists.lacks(key, nameHash);
}

export function remove(key: u64): void {
  lists.remove(key);
}

export function foundAt(): usize {
  return lists.at;
}

export function foundLength(): i32 {
  return lists.count * LISTED_TOOL_SIZE;
}
