import { SpecialRule } from "../../../assembly/access/policy/special_rule";
import { METHOD_COUNT, Method, TargetKind } from "../../../assembly/mcp/protocol/methods";
import { FAMILY_COUNT, Family, FamilyType, familyType } from "../../../assembly/stats/catalogue";
import { NOBODY, NO_CALLER, metricKey, seriesKey } from "../../../assembly/stats/metric_key";

export * from "./catalogue";

export function familyCount(): i32 {
  return FAMILY_COUNT;
}

export function isGauge(family: Family): bool {
  return familyType(family) == FamilyType.Gauge;
}

export function methodCount(): i32 {
  return METHOD_COUNT;
}

/** The highest number of a rule. */
export function lastRule(): i32 {
  return SpecialRule.Pin;
}

export function nobody(): i32 {
  return NOBODY;
}

export function noCaller(): i32 {
  return NO_CALLER;
}

/** Traps where a number is too large for its bits. */
export function metric(
  family: Family,
  server: i32,
  caller: i32,
  who: i32,
  method: Method,
  kind: TargetKind,
  target: i32,
  first: i32,
  second: i32,
  third: i32,
): u64 {
  return metricKey(family, server, caller, who, method, kind, target, first, second, third);
}

/** Traps where a number is too large for its bits. */
export function series(server: i32, method: Method, kind: TargetKind, target: i32): u64 {
  return seriesKey(server, method, kind, target);
}
