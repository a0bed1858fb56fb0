import { METHOD_COUNT, Method, TargetKind } from "../mcp/protocol/methods";
import { OUTCOME_COUNT } from "../mcp/protocol/outcome";
import { REVISION_COUNT } from "../mcp/protocol/revisions";
import { TASK_STATE_COUNT } from "../mcp/protocol/task_state";
import { TOKEN_KIND_COUNT } from "../mcp/protocol/token_kinds";
import { FAMILY_COUNT, Family } from "./catalogue";

const FAMILY_BITS: u64 = 6;
const SERVER_BITS: u64 = 7;
/** Number of bits of the index of a tool or prompt, and at least as many as a server's index needs. */
export const LABEL_INDEX_BITS: u64 = 11;
const WHO_BITS: u64 = 8;
const CALLER_BITS: u64 = 7;
export const METHOD_BITS: u64 = 6;
export const KIND_BITS: u64 = 2;
/** Number of bits of each of the first two of a family's own labels, and of the third. */
const OWN_BITS: u64 = 6;
const THIRD_BITS: u64 = 4;

/** Stands for no caller. */
export const NO_CALLER: i32 = (1 << (<i32>CALLER_BITS)) - 1;

/** Stands for no client software and no rule. */
export const NOBODY: i32 = (1 << (<i32>WHO_BITS)) - 1;

if (
  1 +
    FAMILY_BITS +
    SERVER_BITS +
    CALLER_BITS +
    WHO_BITS +
    METHOD_BITS +
    KIND_BITS +
    LABEL_INDEX_BITS +
    2 * OWN_BITS +
    THIRD_BITS >
  64
)
  ERROR("A key has 64 bits.");
if (FAMILY_COUNT > 1 << (<i32>FAMILY_BITS)) ERROR("FAMILY_BITS are too few.");
if (METHOD_COUNT > 1 << (<i32>METHOD_BITS)) ERROR("METHOD_BITS are too few.");
if (
  OUTCOME_COUNT > 1 << (<i32>OWN_BITS) ||
  REVISION_COUNT > 1 << (<i32>OWN_BITS) ||
  TASK_STATE_COUNT > 1 << (<i32>OWN_BITS) ||
  TOKEN_KIND_COUNT > 1 << (<i32>OWN_BITS)
)
  ERROR("OWN_BITS are too few.");
// The third own label is the revision of live sessions.
if (REVISION_COUNT > 1 << (<i32>THIRD_BITS)) ERROR("THIRD_BITS are too few.");

/**
 * The key of a metric by its family and labels, as {@link MetricTable} chooses them. Never 0, and different for
 * different labels.
 */
export function metricKey(
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
  let key: u64 = 1;
  key = append(key, FAMILY_BITS, family);
  key = append(key, SERVER_BITS, server);
  key = append(key, CALLER_BITS, caller);
  key = append(key, WHO_BITS, who);
  key = append(key, METHOD_BITS, method);
  key = append(key, KIND_BITS, kind);
  key = append(key, LABEL_INDEX_BITS, target);
  key = append(key, OWN_BITS, first);
  key = append(key, OWN_BITS, second);
  return append(key, THIRD_BITS, third);
}

/** Number of bits of a target, its kind and a method in a series: part of the store's FORMAT. */
const SERIES_TARGET_BITS: u64 = 12;
const SERIES_KIND_BITS: u64 = 4;
const SERIES_METHOD_BITS: u64 = 16;

/** The number of a series in shared data; never 0. */
export function seriesKey(server: i32, method: Method, kind: TargetKind, target: i32): u64 {
  let key: u64 = server;
  key = append(key, SERIES_METHOD_BITS, method);
  key = append(key, SERIES_KIND_BITS, kind);
  return append(key, SERIES_TARGET_BITS, target) + 1;
}

@inline
function append(key: u64, bits: u64, value: i32): u64 {
  assert(<u64>value < (<u64>1) << bits);
  return (key << bits) | value;
}
