export { allocate } from "./common/allocate";
export { isPlainUri } from "../../../assembly/access/plain_uri";
