export { allocate } from "./common/allocate";
export { isPlainUri } from "../../../assembly/access/message/plain_uri";
