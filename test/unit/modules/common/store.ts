import { Store } from "../../../../assembly/store/primitives/store";
import { TestSharedData } from "./shared_data";

const data = new TestSharedData();

/** A store over the shared data of the test. Workers that name the same space have it in common. */
export function openStore(self: u64, space: i32): Store {
  return new Store(data, self, "test-" + space.toString());
}
