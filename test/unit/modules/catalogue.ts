import { methodName } from "../../../assembly/mcp/protocol/methods";
import { Family, appendOwnLabels, familyName } from "../../../assembly/stats/catalogue";
import { MetricName } from "../../../assembly/stats/metric_name";

const name = new MetricName();

/** A family's name. Traps beyond the last one. */
export function family(index: i32): string {
  return familyName(index);
}

/** A method as labels show it. Traps beyond the last one. */
export function method(index: i32): string {
  return methodName(index);
}

/** The labels that are a family's own, as they stand in a metric's name. Traps where an index is beyond its set. */
export function ownLabels(family: Family, first: i32, second: i32): string {
  name.clear();
  appendOwnLabels(name, family, first, second);
  return String.UTF8.decodeUnsafe(name.at, name.length);
}
