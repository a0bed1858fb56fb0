import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { setHashKey } from "../memory/keyed_hash";
import { Secret } from "./primitives/secret";
import { Store } from "./primitives/store";

/** This VM has the key. */
let isShared: bool = false;

/** Gives this VM the key that all workers of the proxy hash with: the first of them draws it. */
export function shareHashKey(data: SharedData, random: Random): void {
  if (isShared) return;
  isShared = true;
  const secret = new Secret(new Store(data, 0, "hashes"), random);
  setHashKey(secret.key0, secret.key1);
}
