import { ADMISSION_RECORD, Admission } from "../../mcp/state/admission";
import { LimitKind } from "../rules/limit_rule";

/**
 * What one rule settles when an operation ends: a record of its {@link Admission}. It may come from the store, so it
 * may have any content.
 */
@unmanaged
export class Settlement {
  /** The scope of the rule: see {@link LimitRule.scope}. */
  scope: u64;
  key: u64;
  /** For tokens: the owner of the key. For concurrency: the worker that holds the permit. */
  owner: u64;
  kind: LimitKind;
  /** The record has been settled. */
  isDone: bool;

  /** Adds a record to an admission. Returns false if there is no room. */
  static add(admission: Admission, kind: LimitKind, scope: u64, key: u64, owner: u64): bool {
    const at = admission.add();
    if (!at) return false;
    const self = changetype<Settlement>(at);
    self.scope = scope;
    self.key = key;
    self.owner = owner;
    self.kind = kind;
    self.isDone = false;
    return true;
  }

  static hasPermits(admission: Admission): bool {
    for (let i = 0; i < admission.count; i++) {
      if (changetype<Settlement>(admission.record(i)).kind == LimitKind.Concurrency) return true;
    }
    return false;
  }
}

if (offsetof<Settlement>("owner") != 16 || offsetof<Settlement>() > ADMISSION_RECORD)
  ERROR("The layout of Settlement has changed: see FORMAT.");
