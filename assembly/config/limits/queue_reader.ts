import { parseDuration } from "../values/duration";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems } from "../values/problems";
import { QueueConfig } from "./limits_config";

const MIN_WAIT_MS: i64 = 10;
const MAX_WAIT_MS: i64 = 30_000;
const WAIT_FORM = 'a duration from 10ms to 30s, like "2s"';
const MAX_LENGTH: i32 = 10_000;

const QUEUE_FIELDS: string[] = ["maxWait", "maxLength"];

/**
 * Reads a rule's `queue`: how requests wait if the rule does not admit them at once. An empty object is a queue with
 * the defaults.
 * @param path the path of the value
 */
export function readQueue(path: string, value: JsonValue, problems: Problems): QueueConfig {
  const queue = new QueueConfig();
  if (!problems.isObject(path, value)) return queue;
  for (let i = 0; i < value.items.length; i++) {
    const name = value.names[i];
    const item = value.items[i];
    const at = path + "." + name;
    if (name == "maxWait") {
      const milliseconds = item.type == JsonType.String && !item.isCut ? parseDuration(item.text) : -1;
      if (milliseconds >= MIN_WAIT_MS && milliseconds <= MAX_WAIT_MS) queue.maxWaitMs = <u32>milliseconds;
      else problems.expected(at, WAIT_FORM, item);
    } else if (name == "maxLength") {
      queue.maxLength = problems.integer(at, item, 1, MAX_LENGTH, queue.maxLength);
    } else {
      problems.refused(path, name, QUEUE_FIELDS);
    }
  }
  return queue;
}
