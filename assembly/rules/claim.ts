import { Properties } from "../host/properties";
import { claimPath } from "../identity/claim_path";
import { Utf8Validator } from "../json/utf8";
import { mix } from "../memory/bytes";
import { keyedHash, neverZero } from "../memory/keyed_hash";
import { Match } from "./match/match";
import { Patterns } from "./match/pattern";

/** Maximum number of list elements that are read. */
const ELEMENT_LIMIT: i32 = 64;

/** A claim of the current request's JWT, which Envoy's `jwt_authn` has verified. Read once for all rules. */
export class Claim {
  /** The property paths of the elements, if the claim is a list. */
  private elements: string[] = [];
  /** Addresses and lengths of the values; length -1 for a value that is not text. */
  private at: StaticArray<usize> = new StaticArray<usize>(ELEMENT_LIMIT);
  private lengths: StaticArray<i32> = new StaticArray<i32>(ELEMENT_LIMIT);
  private count: i32 = 0;
  /** The list may have more elements than those read. */
  private isCut: bool = false;
  private isRead: bool = false;

  constructor(readonly path: string) {
    for (let i = 0; i < ELEMENT_LIMIT; i++) this.elements.push(path + "\0" + i.toString());
  }

  /** Discards the values, which belong to another request. */
  forget(): void {
    this.isRead = false;
  }

  /** Whether the claim, or one of its elements, matches. For excluding patterns, all elements must match. The host's
   *  values must come from one callback. */
  match(properties: Properties, patterns: Patterns): Match {
    if (!this.isRead) this.read(properties);
    if (this.count == 0) return patterns.matchNothing();
    let anyValue = patterns.hasValues ? Match.No : Match.Yes;
    let allOthers = Match.Yes;
    for (let i = 0; i < this.count; i++) {
      const length = this.lengths[i];
      const value = length < 0 ? Match.Unknown : patterns.matchValues(this.at[i], length, false);
      const others = length < 0 ? Match.Unknown : patterns.matchOthers(this.at[i], length, false);
      anyValue = max(anyValue, value);
      if (patterns.hasOthers) allOthers = min(allOthers, others);
    }
    if (this.isCut) {
      anyValue = max(anyValue, Match.Unknown);
      if (patterns.hasOthers) allOthers = min(allOthers, Match.Unknown);
    }
    return min(anyValue, allOthers);
  }

  /** Keyed hash of the values in their order; 0 if there are none. The host's values must come from one callback. */
  hash(properties: Properties): u64 {
    if (!this.isRead) this.read(properties);
    let hash: u64 = 0;
    for (let i = 0; i < this.count; i++) {
      const length = this.lengths[i];
      hash = neverZero(mix(hash ^ (length < 0 ? 1 : keyedHash(this.at[i], length))));
    }
    return hash;
  }

  private read(properties: Properties): void {
    this.isRead = true;
    this.count = 0;
    while (this.count < ELEMENT_LIMIT) {
      properties.findSegments(this.elements[this.count]);
      if (properties.isMissing) break;
      this.keep(properties);
    }
    this.isCut = this.count == ELEMENT_LIMIT;
    if (this.count > 0) return;
    properties.findSegments(this.path);
    if (!properties.isMissing) this.keep(properties);
  }

  private keep(properties: Properties): void {
    this.at[this.count] = properties.at;
    this.lengths[this.count++] = isText(properties) ? properties.length : -1;
  }
}

const utf8 = changetype<Utf8Validator>(heap.alloc(offsetof<Utf8Validator>()));

/**
 * Whether the found property can be text: the bytes of numbers, booleans and objects contain a control character or are
 * not UTF-8.
 */
function isText(properties: Properties): bool {
  for (let i = 0; i < properties.length; i++) {
    if (load<u8>(properties.at + i) < 0x20) return false;
  }
  utf8.reset();
  return properties.isThere && utf8.feed(properties.at, properties.length) && utf8.isComplete;
}

/** The claims that a policy names, each once. */
export class Claims {
  private claims: Claim[] = [];

  constructor(private payloadKey: string) {}

  named(path: string[]): Claim {
    const full = claimPath(this.payloadKey, path);
    for (let i = 0; i < this.claims.length; i++) {
      if (this.claims[i].path == full) return this.claims[i];
    }
    const claim = new Claim(full);
    this.claims.push(claim);
    return claim;
  }

  /** Discards the values of all claims, which belong to the previous request. */
  forget(): void {
    for (let i = 0; i < this.claims.length; i++) this.claims[i].forget();
  }
}
