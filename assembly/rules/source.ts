import { SourceConfig } from "../config/rules/rule_config";
import { Cidr } from "../config/values/cidr";
import { Properties } from "../host/properties";
import { startsWithText } from "../memory/bytes";
import { Caller } from "../identity/caller";
import { Claim, Claims } from "./claim";
import { Match, not } from "./match/match";
import { Patterns } from "./match/pattern";

const SPIFFE = "spiffe://";
const SLASH: u8 = 0x2f;

/** The property of the caller that a part of a source is compared with. */
enum Field {
  Anonymous,
  Principal,
  TrustDomain,
  Address,
  Claim,
}

/** One configured field of a source. */
class SourcePart {
  patterns: Patterns = Patterns.oneOf([]);
  blocks: Cidr[] = [];
  /** The address must be in none of the blocks. */
  excludes: bool = false;
  /** Index of the claim. */
  claim: i32 = 0;

  constructor(
    readonly field: Field,
    readonly name: string,
  ) {}
}

/** The callers that a rule covers: one element of its `from`. */
export class Source {
  private parts: SourcePart[] = [];
  private claims: Claim[] = [];

  constructor(config: SourceConfig, claims: Claims) {
    if (config.isAnonymous) this.parts.push(new SourcePart(Field.Anonymous, "anonymous"));
    this.addTexts(Field.Principal, "principals", config.principals.values, false);
    this.addTexts(Field.Principal, "notPrincipals", config.principals.notValues, true);
    this.addTexts(Field.TrustDomain, "trustDomains", config.trustDomains.values, false);
    this.addTexts(Field.TrustDomain, "notTrustDomains", config.trustDomains.notValues, true);
    this.addBlocks("ipBlocks", config.ipBlocks.values, false);
    this.addBlocks("notIpBlocks", config.ipBlocks.notValues, true);
    for (let i = 0; i < config.claims.length; i++) {
      const part = new SourcePart(Field.Claim, "claims[" + i.toString() + "]");
      part.claim = this.claims.push(claims.named(config.claims[i].path)) - 1;
      part.patterns = new Patterns(config.claims[i].match);
      this.parts.push(part);
    }
  }

  /** The number of configured fields. Each claim counts separately. */
  get partCount(): i32 {
    return this.parts.length;
  }

  /** The configured name of a part: `principals`, `claims[0]`. */
  partName(part: i32): string {
    return this.parts[part].name;
  }

  /** Whether all parts match the caller. */
  match(caller: Caller, properties: Properties): Match {
    let match = Match.Yes;
    for (let i = 0; i < this.parts.length && match != Match.No; i++) {
      match = min(match, this.matchPart(i, caller, properties));
    }
    return match;
  }

  /** Whether the part of this index matches the caller. A caller without a principal matches no pattern. */
  matchPart(index: i32, caller: Caller, properties: Properties): Match {
    const part = unchecked(this.parts[index]);
    switch (part.field) {
      case Field.Anonymous:
        return caller.isAnonymous ? Match.Yes : Match.No;
      case Field.Principal:
        if (caller.isAnonymous) return part.patterns.matchNothing();
        return part.patterns.match(caller.at, caller.length, caller.isCut);
      case Field.TrustDomain:
        return matchTrustDomain(part.patterns, caller);
      case Field.Address:
        return matchAddress(part, caller);
      default:
        return unchecked(this.claims[part.claim]).match(properties, part.patterns);
    }
  }

  private addTexts(field: Field, name: string, texts: string[], excludes: bool): void {
    if (texts.length == 0) return;
    const part = new SourcePart(field, name);
    part.patterns = excludes ? Patterns.noneOf(texts) : Patterns.oneOf(texts);
    this.parts.push(part);
  }

  private addBlocks(name: string, blocks: string[], excludes: bool): void {
    if (blocks.length == 0) return;
    const part = new SourcePart(Field.Address, name);
    part.blocks = blocks.map<Cidr>((text) => Cidr.parse(text)!);
    part.excludes = excludes;
    this.parts.push(part);
  }
}

/**
 * Compares the trust domain of a SPIFFE ID (SPIFFE-ID, section 2.1): the text between `spiffe://` and the next slash.
 */
function matchTrustDomain(patterns: Patterns, caller: Caller): Match {
  if (!startsWithText(caller.at, caller.length, SPIFFE)) return patterns.matchNothing();
  const from = SPIFFE.length;
  let to = from;
  while (to < caller.length && load<u8>(caller.at + to) != SLASH) to++;
  return patterns.match(caller.at + from, to - from, false);
}

function matchAddress(part: SourcePart, caller: Caller): Match {
  if (caller.addressSize == 0) return Match.Unknown;
  const isIn = isInAny(part.blocks, caller);
  return part.excludes ? not(isIn) : isIn;
}

function isInAny(blocks: Cidr[], caller: Caller): Match {
  for (let i = 0; i < blocks.length; i++) {
    if (unchecked(blocks[i]).holds(caller.address, caller.addressSize)) return Match.Yes;
  }
  return Match.No;
}
