import { Store } from "../../../../assembly/store/primitives/store";
import { TestSharedData } from "./shared_data";

const data = new TestSharedData();

/** A store in the shared data of the test. Workers with the same space share it. */
export function openStore(self: u64, space: i32): Store {
  return new Store(data, self, "test-" + space.toString());
}
