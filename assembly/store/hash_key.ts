import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { setHashKey } from "../memory/keyed_hash";
import { Secret } from "./primitives/secret";
import { Store } from "./primitives/store";

/** Whether this VM has the key. */
let isShared: bool = false;

/** Sets this VM's hash key to the one that all workers of the proxy share. The first worker generates it. */
export function shareHashKey(data: SharedData, random: Random): void {
  if (isShared) return;
  isShared = true;
  const secret = new Secret(new Store(data, 0, "hashes"), random);
  setHashKey(secret.key0, secret.key1);
}
