export { allocate } from "./common/allocate";
export { isPlainUri } from "../../../assembly/rules/message/plain_uri";
